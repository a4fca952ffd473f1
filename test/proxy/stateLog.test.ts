import { describe, expect, test } from "bun:test";
import { Level } from "../../src/core/syslogCodes.ts";
import type { PoolEvent } from "../../src/pool/event.ts";
import { describePoolEvent } from "../../src/proxy/stateLog.ts";

const REFUSED = { status: "L4CON", code: null, info: "Connection refused", durationMs: 2 } as const;
const PASSED = { status: "L4OK", code: null, info: null, durationMs: 0 } as const;

function event(kind: PoolEvent["kind"], changes: { up?: boolean; admin?: string; backup?: boolean } = {}): PoolEvent {
  const config = { name: "srv1", backup: changes.backup ?? false, hostname: "db.test" };
  const server = { config, up: changes.up ?? true, admin: changes.admin ?? "ready" };
  const figures = { activeServers: 1, backupServers: 2, sessions: 3, requeued: 4, queued: 5 };
  return { kind, server, ...figures } as unknown as PoolEvent;
}

describe("what happened to a server reads as HAProxy's", () => {
  test.each([
    [
      event("down"),
      REFUSED,
      Level.alert,
      'Server web/srv1 is DOWN, reason: Layer4 connection problem, info: "Connection refused", check duration: 2ms. 1 active and 2 backup servers left. 3 sessions active, 4 requeued, 5 remaining in queue.',
    ],
    [
      event("down", { admin: "drain" }),
      null,
      Level.notice,
      "Server web/srv1 is DOWN. 1 active and 2 backup servers left. 3 sessions active, 4 requeued, 5 remaining in queue.",
    ],
    [
      event("up"),
      PASSED,
      Level.notice,
      "Server web/srv1 is UP, reason: Layer4 check passed, check duration: 0ms. 1 active and 2 backup servers online. 4 sessions requeued, 5 total in queue.",
    ],
    // The end of slow start is not the check's news.
    [
      event("rampEnded"),
      PASSED,
      Level.notice,
      "Server web/srv1 is UP. 1 active and 2 backup servers online. 4 sessions requeued, 5 total in queue.",
    ],
    [event("noServer"), REFUSED, Level.emerg, "proxy web has no server available!"],
    [event("resolved"), null, Level.notice, "Server web/srv1 ('db.test') is UP/READY (resolves again)."],
    [
      event("resolved", { up: false, admin: "drain" }),
      null,
      Level.notice,
      "Server web/srv1 ('db.test') is DOWN/DRAIN (resolves again).",
    ],
    [
      event("resolved", { backup: true }),
      null,
      Level.notice,
      "Backup Server web/srv1 ('db.test') is UP/READY (resolves again).",
    ],
  ] as const)("%#", (happened, cause, level, text) => {
    expect(describePoolEvent("web", happened, cause)).toEqual({ level, text });
  });
});
