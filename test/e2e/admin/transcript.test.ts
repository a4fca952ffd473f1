import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { serve } from "../../support/echo.ts";
import { startProxy } from "../../support/instance.ts";
import { freePorts } from "../../support/ports.ts";
import { until } from "../../support/until.ts";
import { say } from "./haproxy.ts";

/** [level of the socket, request, reply] of a HAProxy 2.6.12, in the order in which it was asked. */
const RECORDED = readFileSync(join(import.meta.dir, "../../fixtures/haproxy/cli.jsonl"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("["))
  .map((line) => JSON.parse(line) as [level: string, request: string, reply: string]);

/** The port of the servers in what was recorded. */
const RECORDED_PORT = "26501";

/** Requests that we answer otherwise, and why. */
const OTHERWISE: Readonly<Record<string, { ours: string; why: string }>> = {
  "disable frontend be_tcp": { ours: "\n", why: "a listen is HAProxy's frontend and backend in one" },
  "set maxconn frontend fe_tcp abc": {
    ours: "Integer value expected.\n\n",
    why: "HAProxy takes it for 0, serves nobody from then on, and does not survive the next change",
  },
  "set maxconn server be_tcp/srv1 -1": { ours: "Value out of range.\n\n", why: "HAProxy takes it for 4294967295" },
  "set rate-limit connections global 100": {
    ours: "There are no rate limits: connections are limited by maxconn alone.\n\n",
    why: "it would be a limit that nobody keeps",
  },
};

test("a recorded conversation with HAProxy 2.6 goes the same way with us", async () => {
  const [echo, port, other] = [await serve({ kind: "echo" }), ...freePorts(2)];
  const proxy = await startProxy(`
[global]
threads = 1
maxconn = 1000
[[log]]
address = "stdout"
[defaults.timeout]
connect = "1s"
client = "10s"
server = "10s"
[listen.tcp]
bind = "127.0.0.1:${port}"
maxconn = 500
check = { interval = "1s" }
server = [
  { name = "srv1", address = "${echo.address}", weight = 100, maxconn = 50 },
  { name = "srv2", address = "${echo.address}", weight = 50, maxconn = 50 },
]
[listen.li_db]
bind = "127.0.0.1:${other}"
server = [
  { name = "db1", address = "${echo.address}", check = true },
  { name = "db2", address = "${echo.address}", check = true, backup = true },
  { name = "db3", address = "${echo.address}", disabled = true },
  { name = "db4", address = "${echo.address}" },
]
`);
  await until("the checks", async () => !(await say(proxy.adminSocket, "show stat tcp 4 -1\n")).includes("INI"));
  const translate = (text: string): string =>
    text.replace(/\b[bf]e_tcp\b/g, "tcp").replaceAll(RECORDED_PORT, String(echo.port));
  const differing: Record<string, unknown> = {};
  for (const [level, request, reply] of RECORDED) {
    const lowered = level === "admin" ? "" : `${level};`;
    const said = (await say(proxy.adminSocket, `${lowered}${translate(request)}\n`)).slice(lowered === "" ? 0 : 1);
    const wanted = OTHERWISE[request]?.ours ?? translate(reply);
    if (said !== wanted) differing[`${lowered}${request}`] = { said, wanted };
  }
  expect(differing).toEqual({});
  expect(RECORDED.length).toBeGreaterThan(95);
});
