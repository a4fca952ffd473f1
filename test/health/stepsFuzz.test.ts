import { expect, test } from "bun:test";
import type { CheckStep } from "../../src/config/schema.ts";
import { compileScript } from "../../src/health/script.ts";
import { type StepAction, type StepEvent, TcpCheck } from "../../src/health/steps.ts";
import { connect, expectString, send } from "./checks.ts";

/** Seeded, so that a failure can be repeated: mulberry32. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

type Random = (below: number) => number;

function pick<T>(random: Random, ...choices: T[]): T {
  return choices[random(choices.length)] as T;
}

function randomStep(random: Random): CheckStep {
  const changes = { negate: random(3) === 0, minRecv: random(3) === 0 ? random(20_000) : 0 };
  switch (random(5)) {
    case 0:
      return connect(pick(random, null, 25));
    case 1:
      return send(pick(random, "", "PING\r\n"));
    case 2:
      return expectString(pick(random, "^22[01]", "P.*G$"), { ...changes, match: "regex" });
    case 3:
      return expectString(pick(random, "0d0a", "ff00"), { ...changes, match: "binary" });
    default:
      return expectString(pick(random, "PONG", "\r\nOK", "P"), changes);
  }
}

function randomEvent(random: Random): StepEvent {
  switch (random(12)) {
    case 0:
      return { kind: "eof" };
    case 1:
      return { kind: "failed", reason: "Connection reset by peer" };
    case 2:
      return { kind: "timeout" };
    case 3:
    case 4:
      return { kind: "quiet" };
    case 5:
    case 6:
      return { kind: "sent" };
    case 7:
    case 8:
      return { kind: "connected" };
    default: {
      const bytes = Buffer.alloc(pick(random, 1, 3, 50, 9000, 600_000));
      for (let i = 0; i < Math.min(bytes.length, 60); i++)
        bytes[i] = pick(random, 0x50, 0x4f, 0x4e, 0x47, 0x0a, random(256));
      return { kind: "data", bytes };
    }
  }
}

/** A shell that answers most actions, sends random segments, and in the end is out of patience. */
function play(random: Random, steps: CheckStep[]): { actions: number; done: StepAction } {
  const check = new TcpCheck(compileScript(steps));
  let action = check.start();
  for (let actions = 1; actions < 1000; actions++) {
    if (action.kind === "done") return { actions, done: action };
    if (action.kind !== "wait" && random(10) === 0) action = check.handle(randomEvent(random));
    else if (action.kind === "connect") action = check.handle({ kind: "connected" });
    else if (action.kind === "send") action = check.handle({ kind: "sent" });
    else action = check.handle(actions > 60 ? { kind: "timeout" } : randomEvent(random));
  }
  throw new Error("no end after 1000 actions");
}

test("any steps with any segments end in an outcome that names a status", () => {
  const seen = new Set<string>();
  for (let seed = 1; seed <= 3000; seed++) {
    const random = generator(seed);
    const steps = Array.from({ length: random(6) }, () => randomStep(random));
    const { done } = play(random, steps);
    if (done.kind !== "done") throw new Error("unreachable");
    const { status, info, passed } = done.outcome;
    seen.add(status);
    expect(passed).toBe(status === "L4OK" || status === "L7OK");
    expect((info ?? "").length).toBeLessThanOrEqual(127);
  }
  // The fuzz reaches every way to end: otherwise it has gone blind.
  expect([...seen].sort()).toEqual(["L4CON", "L4OK", "L4TOUT", "L7OK", "L7RSP", "L7TOUT", "SOCKERR"]);
});

test("any events in any order never throw, and after the end nothing changes", () => {
  for (let seed = 1; seed <= 3000; seed++) {
    const random = generator(seed);
    const check = new TcpCheck(compileScript(Array.from({ length: random(6) }, () => randomStep(random))));
    check.start();
    let outcome: unknown = null;
    for (let i = 0; i < 40; i++) {
      const action = check.handle(randomEvent(random));
      if (outcome !== null) expect(action).toEqual({ kind: "done", outcome } as StepAction);
      if (action.kind === "done") outcome = action.outcome;
    }
  }
});

test("how an answer is cut into segments does not change what it means once the peer closes", () => {
  for (let seed = 1; seed <= 500; seed++) {
    const random = generator(seed);
    const steps = [expectString(pick(random, "PONG", "OK\r\n", "zzz"))];
    const answer = Buffer.from(pick(random, "220 hi\r\n+PONG\r\n", "PPPONG", "OK\r\n", "POPOPONG", "nothing"));
    const outcomes = [1, 2, answer.length].map((size) => {
      const check = new TcpCheck(compileScript(steps));
      check.start();
      let action = check.handle({ kind: "connected" });
      for (let at = 0; at < answer.length; at += size) {
        action = check.handle({ kind: "data", bytes: answer.subarray(at, at + size) });
      }
      if (action.kind !== "done") action = check.handle({ kind: "eof" });
      return action;
    });
    expect(outcomes[1]).toEqual(outcomes[0] as StepAction);
    expect(outcomes[2]).toEqual(outcomes[0] as StepAction);
  }
});

test("no more than the buffer is kept of a flood, whatever is waited for", () => {
  const check = new TcpCheck(compileScript([expectString("never", { minRecv: 16_384 })]));
  check.start();
  check.handle({ kind: "connected" });
  const before = process.memoryUsage().arrayBuffers;
  const flood = Buffer.alloc(1000, 0x78);
  let action: StepAction = { kind: "wait", quietMs: null };
  let segments = 0;
  while (action.kind === "wait") {
    action = check.handle({ kind: "data", bytes: flood });
    segments++;
  }
  expect(segments).toBe(17); // the 16384th byte decides
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200_000);
});
