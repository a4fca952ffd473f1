import { expect, test } from "bun:test";
import { sessionCommands } from "../../../src/admin/commands/session.ts";
import { writingCommands } from "../../../src/admin/commands/writing.ts";
import { answer, splitCommands } from "../../../src/admin/protocol.ts";
import { AdminSession } from "../../../src/admin/session.ts";
import { seeded } from "../../support/random.ts";
import { FakeOperator } from "../fakeOperator.ts";

const LINES = 120_000;

/** Words that commands know, names that there are, numbers at every edge, and what nobody expects. */
const VOCABULARY = [
  ..."add del set get clear enable disable shutdown server servers weight maxconn frontend global counters all".split(
    " ",
  ),
  ..."health agent sessions session rate-limit connections ssl-sessions http-compression addr port state drain".split(
    " ",
  ),
  ..."maint ready up down stopping check-port check-addr agent-addr agent-send fqdn ssl cli timeout help prompt".split(
    " ",
  ),
  ..."severity-output number string none operator user check inter rise fall fastinter downinter backup disabled".split(
    " ",
  ),
  ..."source observe layer4 error-limit on-error mark-down on-marked-down send-proxy slowstart cookie init-addr".split(
    " ",
  ),
  ..."web/a web/b web/x static/s empty/y nosuch/a web / web/ /a web/a/b #2/#1 #2 #99999999999 web/# #/a".split(" "),
  ..."0 1 -1 +5 256 257 65535 65536 1000000 1000001 99999999999999999999 1e9 NaN Infinity 0x10 1.5 50% % -5% 5x".split(
    " ",
  ),
  ..."127.0.0.1 127.0.0.1:80 ::1 [::1]:80 localhost localhost:80 1.2.3 unix:/tmp/x /tmp/x :80 *:80 2s 100ms 5us".split(
    " ",
  ),
  ..."__proto__ constructor hasOwnProperty toString prototype \\ \\\\ \\; ; ;; é \u2028 \0 \u001b[2J %s $x".split(" "),
  "x".repeat(300),
  "/".repeat(20),
  "",
];

test("commands made of anything are answered, and never by a failure of ours", async () => {
  const random = seeded(20261122);
  let operator = new FakeOperator();
  let commands = everything(operator);
  let refusals = 0;
  for (let line = 0; line < LINES; line++) {
    if (line % 1000 === 0) {
      operator = new FakeOperator();
      commands = everything(operator);
    }
    const words = Array.from({ length: random(9) }, () => VOCABULARY[random(VOCABULARY.length)]);
    // Most lines begin as some command does: what is behind its words is what is to be tried.
    const begin = random(4) === 0 ? [] : (commands[random(commands.length)]?.words ?? []);
    const text = [...begin, ...words].join(" ");
    const session = new AdminSession(random(5) === 0 ? "operator" : "admin");
    for (const each of splitCommands(text)) {
      const said = await answer(each, commands, session);
      if (typeof said !== "string") throw new Error(`${text}: no text`);
      if (said.startsWith("No such") || said.startsWith("Require")) refusals++;
      if (!/^$|\n(> )?$/.test(said) || /undefined|NaN\b.*limit|\[object/.test(said))
        throw new Error(`${text}: ${said}`);
    }
    sane(operator, text);
  }
  expect(refusals).toBeGreaterThan(1000);
}, 120_000);

function everything(operator: FakeOperator) {
  const writing = writingCommands(operator);
  return [...writing, ...sessionCommands(writing)];
}

/** Whatever was said, nothing is set to what the file could not say. */
function sane({ maxconn, hardMaxconn, listens }: FakeOperator, line: string): void {
  const isLimit = (limit: number | null): boolean =>
    limit === null || (Number.isInteger(limit) && limit >= 1 && limit <= 1_000_000);
  const isPort = (port: number | null): boolean =>
    port === null || (Number.isInteger(port) && port >= 1 && port <= 65_535);
  const isFine =
    isLimit(maxconn) &&
    maxconn <= hardMaxconn &&
    listens.every(
      (listen) =>
        isLimit(listen.maxconn) &&
        listen.servers.every(
          (server) =>
            isLimit(server.maxconn) &&
            Number.isInteger(server.weight) &&
            server.weight >= 0 &&
            server.weight <= 256 &&
            isPort(server.address?.port ?? null) &&
            isPort(server.checkPlace.port),
        ) &&
        new Set(listen.servers.map(({ name }) => name)).size === listen.servers.length,
    );
  if (!isFine) throw new Error(`${line}: ${JSON.stringify({ maxconn, listens: listens.map(({ name }) => name) })}`);
}
