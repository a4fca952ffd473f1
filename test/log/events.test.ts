import { describe, expect, test } from "bun:test";
import { FACILITIES } from "../../src/core/syslogCodes.ts";
import * as say from "../../src/log/events.ts";
import { priority } from "../../src/log/severity.ts";
import { capturedLines } from "./tcplogLine.ts";

const named = (path: string, backup = false): say.ServerName => {
  const [backend = "", server = ""] = path.split("/");
  return { backend, server, backup };
};
const left = (activeServers: number, backupServers: number, sessions = 0): say.Left => ({
  activeServers,
  backupServers,
  sessions,
  requeued: 0,
  queued: 0,
});
const online = (activeServers: number, backupServers: number): say.Online => ({
  activeServers,
  backupServers,
  requeued: 0,
  queued: 0,
});
const result = (
  status: say.CheckResult["status"],
  code: number | null,
  info: string | null,
  durationMs: number | null,
): say.CheckResult => ({ status, code, info, durationMs });
const at = (health: number, rise: number, fall: number): say.CheckPosition => ({ health, rise, fall, drained: false });

const refused = result("L4CON", null, "Connection refused", 0);
const passed = result("L4OK", null, null, 0);
const observed = "Detected 3 consecutive errors, last one was: L4 unsuccessful connection";
const expectTimeout = " at step 2 of tcp-check (expect string '+PONG') comment: 'want PONG'";

/** The events behind the captured lines, in their order. */
const EVENTS: say.LogEvent[] = [
  say.healthCheck(named("b_t/s1"), "succeeded", passed, at(6, 3, 4)),
  say.healthCheck(named("b_t/s1"), "failed", refused, at(5, 3, 4)),
  say.healthCheck(named("b_t/s1"), "failed", refused, at(0, 3, 4)),
  say.healthCheck(named("b_t/s1"), "succeeded", passed, at(1, 3, 4)),
  say.healthCheck(named("l_obs/s1"), "failed", result("HANA", null, observed, null), at(0, 2, 3)),
  say.healthCheck(named("b_smtp-421/s1"), "failed", result("L7STS", 421, "busy", 0), at(0, 1, 1)),
  say.healthCheck(named("b_httpchk-404/s1"), "conditionally succeeded", result("L7OKC", 404, null, 0), at(1, 1, 1)),
  say.healthCheck(
    named("b_tc-expect-bad-comment/s1"),
    "failed",
    result("L7TOUT", null, expectTimeout, 1000),
    at(0, 1, 1),
  ),
  say.healthCheck(named("b_tc-minrecv/s1"), "succeeded", result("L7OK", 0, "(tcp-check)", 200), at(1, 1, 1)),
  say.healthCheck(named("b_external-fail/s1"), "failed", result("PROCERR", 3, null, 2), at(0, 1, 1)),
  say.serverDown(named("b_nolog/s1"), refused, left(0, 1), false),
  say.serverDown(named("b_nolog/s2", true), refused, left(0, 0), false),
  say.serverDown(named("b_t/s1"), null, left(0, 0), false),
  say.serverDown(named("a/s1"), refused, left(0, 1), false),
  say.serverDown(named("a/s1"), refused, left(0, 1), true),
  say.serverDown(named("a/s1"), "cli", left(0, 1), true),
  say.serverUp(named("b_nolog/s1"), passed, online(1, 0)),
  say.serverUp(named("b_nolog/s2", true), passed, online(1, 1)),
  say.serverUp(named("b_t/s1"), null, online(1, 0)),
  say.serverUp(named("a/s1"), "cli", online(1, 1)),
  say.noServerAvailable("l_obs"),
  say.serverEntersMaintenance(named("li_mup/srv1"), left(0, 1), false),
  say.serverEntersMaintenance(named("be_echo/srv1"), left(1, 0), true),
  say.serverEntersMaintenance(named("be_echo/srv1"), left(1, 0), false),
  say.serverEntersMaintenance(named("a/s2", true), left(0, 0), true),
  say.downServerEntersMaintenance(named("a/s1")),
  say.serverLeavesMaintenance(named("li_mdown/srv1"), "UP", "READY"),
  say.serverLeavesMaintenance(named("a/s2", true), "UP", "READY"),
  say.serverLeavesMaintenance(named("a/s1"), "UP", "DRAIN"),
  say.serverEntersDrain(named("be_echo/srv1"), online(1, 0)),
  say.downServerEntersDrain(named("a/s1"), left(0, 1)),
  say.serverEntersDrain(named("a/s2", true), online(0, 0)),
  say.serverRemainsInDrain(named("a/s1")),
  say.serverLeavesDrain(named("be_echo/srv1"), "UP"),
  say.serverLeavesDrain(named("a/s1"), "DOWN"),
  say.proxyPaused("a"),
  say.proxyResumed("a"),
  say.proxyStopped("fe_echo", 5, 0),
  say.hardStop(),
  say.proxyHardStopped("a", 1),
];

describe("state changes are told in HAProxy's words at HAProxy's level", () => {
  const captured = capturedLines("state-lines.txt");

  test("the table covers every captured line", () => expect(EVENTS).toHaveLength(captured.length));

  test.each(captured.map((line, i): [string, say.LogEvent | undefined] => [line, EVENTS[i]]))("%s", (line, event) => {
    expect(event && `<${priority(FACILITIES.local0 ?? -1, event.level)}>${event.text}`).toBe(line);
  });
});

test("sessions and queue are counted in their places", () => {
  const counts = { activeServers: 1, backupServers: 2, sessions: 3, requeued: 4, queued: 5 };
  expect(say.serverDown(named("b/s"), null, counts, false).text).toBe(
    "Server b/s is DOWN. 1 active and 2 backup servers left. 3 sessions active, 4 requeued, 5 remaining in queue.",
  );
  expect(say.serverUp(named("b/s"), null, counts).text).toBe(
    "Server b/s is UP. 1 active and 2 backup servers online. 4 sessions requeued, 5 total in queue.",
  );
});

test("the checks of a backup server and of one with weight 0 say so", () => {
  const position = { health: 4, rise: 2, fall: 3, drained: true };
  expect(say.healthCheck(named("b/s", true), "succeeded", passed, position).text).toBe(
    "Health check for backup server b/s succeeded, reason: Layer4 check passed, check duration: 0ms, status: 3/3 DRAIN.",
  );
});

test("durations are whole milliseconds and an empty info is left out", () => {
  expect(say.serverDown(named("b/s"), result("L4TOUT", null, "", 1000.6), left(1, 0), false).text).toStartWith(
    "Server b/s is DOWN, reason: Layer4 timeout, check duration: 1001ms. ",
  );
});
