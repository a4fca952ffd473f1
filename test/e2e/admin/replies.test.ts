import { describe, expect, test } from "bun:test";
import { serve } from "../../support/echo.ts";
import { startProxy } from "../../support/instance.ts";
import { freePort, freePorts } from "../../support/ports.ts";
import { tool } from "../../support/tools.ts";
import { until } from "../../support/until.ts";
import { logServer, say, startHaproxy, type Talker } from "./haproxy.ts";
import { DIFFERENCES, REQUESTS } from "./requests.ts";

const haproxy = tool("haproxy");

/** Our product with the same listens and servers. */
async function startOurs(server: string): Promise<Talker & { proxy: Awaited<ReturnType<typeof startProxy>> }> {
  const [web, other] = freePorts(2);
  const log = freePort();
  const logged = await logServer(log);
  const proxy = await startProxy(`
[global]
threads = 1
maxconn = 1000
[[log]]
address = "127.0.0.1:${log}"
facility = "local0"
level = "debug"
[defaults.timeout]
connect = "1s"
client = "10s"
server = "10s"
[listen.web]
bind = "127.0.0.1:${web}"
server = [
  { name = "a", address = "${server}", weight = 100 },
  { name = "b", address = "${server}", weight = 50, check = { interval = "1h" } },
]
[listen.other]
bind = "127.0.0.1:${other}"
server = [{ name = "c", address = "${server}" }]
`);
  return { socket: proxy.adminSocket, logged, proxy };
}

/** Of what was logged, what an order can have led to: HAProxy's sentences about servers and proxies; that one is gone is ours. */
function sentences(talker: Talker): string[] {
  return talker.logged.filter((line) => /^(Backup )?(Server|Paused|Resumed|Proxy|proxy) (?!.* is gone: )/.test(line));
}

describe.skipIf(haproxy === null)("beside a real HAProxy", () => {
  test("every request is answered, and every order logged, as there, but for the differences that are listed", async () => {
    const { address, port } = await serve({ kind: "echo" });
    const theirs = await startHaproxy(haproxy as string, address);
    const ours = await startOurs(address);
    // The first check of b has no word of its own, but takes part in what is logged.
    await until("b to be checked by both", async () => {
      const checked = await Promise.all([theirs, ours].map(({ socket }) => say(socket, "show stat web 4 2\n")));
      return checked.every((csv) => csv.includes(",L4OK,"));
    });
    const [theirBefore, ourBefore] = [sentences(theirs).length, sentences(ours).length];
    const differing: Record<string, { theirs: string; ours: string }> = {};
    for (const request of REQUESTS) {
      const bytes = `${unescaped(request).replaceAll("PORT", String(port))}\n`;
      const [there, here] = [await say(theirs.socket, bytes), await say(ours.socket, bytes)];
      if (there !== here) differing[request] = { theirs: there, ours: here };
    }
    const listed = new Map(DIFFERENCES.map((difference) => [difference.request, difference]));
    const unlisted = Object.entries(differing).filter(([request]) => !listed.has(request));
    expect(Object.fromEntries(unlisted)).toEqual({});
    // A difference that is none any more, or another one, is not what the table says.
    for (const { request, ours: said } of DIFFERENCES)
      expect({ request, said: differing[request]?.ours }).toEqual({
        request,
        said: said.replace("PORT", String(port)),
      });
    for (const talker of [ours, theirs])
      await until("the last order to be logged", () => sentences(talker).at(-1)?.startsWith("Server other/c is UP"));
    expect(sentences(ours).slice(ourBefore)).toEqual(sentences(theirs).slice(theirBefore));
  });
});

/** Requests are written with backslashes, so that a table shows them. */
function unescaped(text: string): string {
  return text.replace(
    /\\([nrt\\])/g,
    (_all, letter: string) => ({ n: "\n", r: "\r", t: "\t", "\\": "\\" })[letter] ?? "",
  );
}
