import { describe, expect, test } from "bun:test";
import type { CheckStep } from "../../src/config/schema.ts";
import { compileScript } from "../../src/health/script.ts";
import { BUFFER_BYTES, type StepAction, type StepEvent, TcpCheck } from "../../src/health/steps.ts";
import { connect, expectString, send } from "./checks.ts";

const connected: StepEvent = { kind: "connected" };
const sent: StepEvent = { kind: "sent" };
const eof: StepEvent = { kind: "eof" };
const quiet: StepEvent = { kind: "quiet" };
const timeout: StepEvent = { kind: "timeout" };
const reset: StepEvent = { kind: "failed", reason: "Connection reset by peer" };
const data = (text: string): StepEvent => ({ kind: "data", bytes: Buffer.from(text, "latin1") });

/** Runs events through a check and names each action: "connect", "send PING", "wait", "wait 100", "L7OK 0 (tcp-check)". */
function run(steps: CheckStep[], ...events: StepEvent[]): string[] {
  const check = new TcpCheck(compileScript(steps));
  return [check.start(), ...events.map((event) => check.handle(event))].map(name);
}

function name(action: StepAction): string {
  switch (action.kind) {
    case "connect":
      return action.port === null ? "connect" : `connect ${action.port}`;
    case "send":
      return `send ${Buffer.from(action.bytes).toString("latin1")}`;
    case "wait":
      return action.quietMs === null ? "wait" : `wait ${action.quietMs}`;
    case "done": {
      const { status, code, info } = action.outcome;
      return [status, ...(code === null ? [] : [code]), ...(info === null ? [] : [info])].join(" ");
    }
  }
}

const last = (steps: CheckStep[], ...events: StepEvent[]) => run(steps, connected, ...events).at(-1);
const DID_NOT_MATCH = "L7RSP TCPCHK did not match content 'PONG' at step 1";
const OK = "L7OK 0 (tcp-check)";

describe("the order of steps", () => {
  test("no steps: a connection is enough", () => {
    expect(run([], connected)).toEqual(["connect", "L4OK"]);
  });

  test("a connect comes first even if nobody wrote it", () => {
    expect(run([send("PING\r\n"), expectString("PONG")], connected, sent, data("+PONG\r\n"))).toEqual([
      "connect",
      "send PING\r\n",
      "wait",
      OK,
    ]);
  });

  test("several connects, each to its port, with one answer each", () => {
    const steps = [connect(25), expectString("220"), connect(110), expectString("+OK")];
    expect(run(steps, connected, data("220 hi\r\n"), connected, data("+OK\r\n"))).toEqual([
      "connect 25",
      "wait",
      "connect 110",
      "wait",
      OK,
    ]);
  });

  test("what the first connection said and did is forgotten on the second", () => {
    const steps = [connect(), expectString("ERR", { negate: true }), connect(), expectString("+OK")];
    expect(run(steps, connected, data("+OK"), eof, connected, data("+"), data("OK")).slice(3)).toEqual([
      "connect",
      "wait",
      "wait 300",
      OK,
    ]);
  });

  test("ending with a connect is layer 4, ending with a send layer 7", () => {
    expect(last([connect()])).toBe("L4OK (tcp-check)");
    expect(run([send("x")], connected, sent).at(-1)).toBe(OK);
  });

  test("data that comes while we still send is kept for the expect", () => {
    expect(last([send("PING"), expectString("PONG")], data("PONG"), sent)).toBe(OK);
  });

  test("after the end every event gets the same outcome", () => {
    const actions = run([], connected, data("late"), eof, timeout);
    expect(actions.slice(1)).toEqual(["L4OK", "L4OK", "L4OK", "L4OK"]);
  });
});

describe("the match buffer", () => {
  test("consecutive expects look at the same bytes from the first one", () => {
    expect(last([expectString("two"), expectString("one")], data("one two"))).toBe(OK);
  });

  test("a send empties it: an answer counts for one question", () => {
    expect(run([expectString("220"), send("x"), expectString("220")], connected, data("220"), sent)).toEqual([
      "connect",
      "wait",
      "send x",
      "wait",
    ]);
  });

  test("matches anywhere, after a greeting too", () => {
    expect(last([send("PING\r\n"), expectString("PONG")], sent, data("220 hi\r\n"), data("PONG\r\n"))).toBe(OK);
  });

  test("bytes that are no text are found by their hex", () => {
    const binary = expectString("00ff10", { match: "binary" });
    expect(last([binary], data("\x01\x00\xff"), data("\x10"))).toBe(OK);
  });

  test("a regex sees one latin1 character a byte, and its dot matches newlines", () => {
    const regex = (pattern: string) => expectString(pattern, { match: "regex" });
    expect(last([regex("^\\xff.$")], data("\xff\n"))).toBe(OK);
    expect(last([regex("^22[01]")], data("500 hi\r\n"), quiet)).toBe(
      "L7RSP TCPCHK did not match content (regex) at step 1",
    );
  });

  test("text is looked for as UTF-8", () => {
    expect(last([expectString("prêt")], { kind: "data", bytes: Buffer.from("prêt\n", "utf8") })).toBe(OK);
  });

  test("holds 16 kB; when it is full the answer is judged at once", () => {
    const almost = "x".repeat(BUFFER_BYTES - 4);
    expect(last([expectString("PONG")], data(`${almost}PONG`))).toBe(OK);
    expect(last([expectString("PONG")], data(`${almost}.`))).toBe("wait 300");
    expect(last([expectString("PONG")], data(`${almost}.`), data("PONG"))).toBe(DID_NOT_MATCH);
  });
});

describe("an answer without the expected content", () => {
  test("is refused once the peer is quiet, 100 ms after a line", () => {
    expect(run([expectString("PONG")], connected, data("+OK\r\n"), quiet).slice(2)).toEqual([
      "wait 100",
      DID_NOT_MATCH,
    ]);
  });

  test("is given 300 ms in the middle of a line", () => {
    expect(last([expectString("PONG")], data("+O"))).toBe("wait 300");
  });

  test("is given 300 ms when it ends with the beginning of what is expected", () => {
    expect(last([expectString("\r\nOK")], data("ERR\r\n"))).toBe("wait 300");
  });

  test("may be completed by a later segment", () => {
    expect(run([expectString("PONG")], connected, data("PO"), data("NG\r\n")).slice(2)).toEqual(["wait 300", OK]);
    expect(run([expectString("ready")], connected, data("a\r\n"), data("ready\r\n")).slice(2)).toEqual([
      "wait 100",
      OK,
    ]);
  });

  test("is refused at once when the peer closes, with what came before", () => {
    expect(last([expectString("PONG")], data("PO"), eof)).toBe(DID_NOT_MATCH);
    expect(last([expectString("PONG")], data("PO"), reset)).toBe(DID_NOT_MATCH);
  });

  test("is refused at once when min_recv is reached", () => {
    expect(last([expectString("PONG", { minRecv: 4 })], data("+OK\r\n"))).toBe(DID_NOT_MATCH);
  });

  test("is not judged below min_recv, not even when it matches", () => {
    const steps = [expectString("x", { minRecv: 10 })];
    expect(run(steps, connected, data("x2345"), quiet, data("6789x")).slice(2)).toEqual(["wait", "wait", OK]);
  });

  test("is not refused by min_recv while it is too short to match", () => {
    expect(last([expectString("PONG", { minRecv: 1 })], data("PO"), data("NG"))).toBe(OK);
  });

  test("no answer at all is not a mismatch: it is waited for", () => {
    expect(run([expectString("PONG")], connected, quiet, timeout).slice(1)).toEqual([
      "wait",
      "wait",
      "L7TOUT  at step 1 of tcp-check (expect string 'PONG')",
    ]);
  });
});

describe("a negated expect", () => {
  const noError = expectString("ERR", { negate: true });

  test("fails at once when the content is there", () => {
    expect(last([noError], data("ERR\r\n"))).toBe("L7RSP TCPCHK matched unwanted content 'ERR' at step 1");
  });

  test("passes once the peer is quiet, closes, or min_recv is reached", () => {
    expect(run([noError], connected, data("fine\r\n"), quiet).slice(2)).toEqual(["wait 100", OK]);
    expect(last([noError], data("fine"), eof)).toBe(OK);
    expect(last([expectString("ERR", { negate: true, minRecv: 4 })], data("fine"))).toBe(OK);
  });

  test("fails on content that comes in two segments", () => {
    expect(last([noError], data("-E"), data("RR"))).toBe("L7RSP TCPCHK matched unwanted content 'ERR' at step 1");
  });

  test("an empty answer does not pass", () => {
    expect(last([noError], eof)).toBe("L7RSP TCPCHK got an empty response at step 1");
  });
});

describe("a costly pattern", () => {
  const regex = expectString("b$", { match: "regex" });
  const dribble = Array.from({ length: 200 }, () => data("a"));

  test("still passes when its end comes in many segments", () => {
    expect(last([regex], ...dribble, data("b"), quiet)).toBe(OK);
    expect(last([regex], ...dribble, data("b"), eof)).toBe(OK);
  });

  test("is not tried on each of them", () => {
    // The 65th segment on: waits for quiet although it matches.
    expect(last([regex], ...dribble.slice(0, 64), data("b"))).toBe("wait 300");
    expect(last([regex], ...dribble.slice(0, 63), data("b"))).toBe(OK);
  });

  test("is tried as often again in the next step", () => {
    expect(last([regex, regex], ...dribble, data("b"), quiet)).toBe(OK);
    const other = expectString("d$", { match: "regex" });
    expect(last([regex, send("x"), other], ...dribble.slice(0, 63), data("b"), sent, data("c"), data("d"))).toBe(OK);
  });
});

test("what is kept of a long text is as long as HAProxy keeps it", () => {
  const info = last([expectString("0123456789".repeat(20))], data("no\r\n"), quiet)?.slice("L7RSP ".length);
  expect(info).toHaveLength(127);
});
