import { type CheckEvidence, type Excerpt, excerpt } from "../core/checkEvidence.ts";
import type { CheckStatus } from "../core/checkStatus.ts";
import type { Pattern } from "./pattern.ts";
import { doing, emptyText, mismatchText, type Script, type ScriptStep, whereText } from "./script.ts";

/** Bytes of an answer that are looked at, as HAProxy's buffer; what comes after them is thrown away. */
export const BUFFER_BYTES = 16_384;

/**
 * How long the peer must have said nothing more before an answer without the expected content is refused: after a complete
 * line, and in the middle of one. See {@link TcpCheck}.
 */
const QUIET_AFTER_LINE_MS = 100;
const QUIET_MID_LINE_MS = 300;

/** A costly pattern is tried on each of so many segments, then only when the answer must be judged. */
const EAGER_TRIES = 64;

/** HAProxy keeps 127 characters of what a check says. */
const INFO_LENGTH = 127;

const LINE_FEED = 0x0a;

/** What happened to the connection that the interpreter asked for. */
export type StepEvent =
  | { readonly kind: "connected" }
  /** The asked-for bytes are all in the kernel's hands. */
  | { readonly kind: "sent" }
  | { readonly kind: "data"; readonly bytes: Uint8Array }
  /** The peer will send no more. */
  | { readonly kind: "eof" }
  /** The connection failed, while connecting or later; `reason` is strerror's text. */
  | { readonly kind: "failed"; readonly reason: string }
  /** No data for the time that the last `wait` named. */
  | { readonly kind: "quiet" }
  /** The deadline of the connect or of the answer passed. */
  | { readonly kind: "timeout" };

/** What the interpreter wants done next. */
export type StepAction =
  /** Close the connection, if any, and make a new one; null: to the port of the check. */
  | { readonly kind: "connect"; readonly port: number | null }
  | { readonly kind: "send"; readonly bytes: Uint8Array }
  /** Tell the next event; and, unless null, tell `quiet` once no event came for so long. */
  | { readonly kind: "wait"; readonly quietMs: number | null }
  | { readonly kind: "done"; readonly outcome: StepOutcome };

/** How a check ended, as HAProxy's columns check_status, check_code and last_chk have it. */
export interface StepOutcome {
  readonly status: CheckStatus;
  readonly code: number | null;
  readonly info: string | null;
  readonly passed: boolean;
}

/** The interpreter's part of what is kept of a check. */
export type StepEvidence = Pick<CheckEvidence, "step" | "sent" | "received">;

/**
 * The tcp-check interpreter: events in, what to do next out; no socket, no clock. It never throws, whatever comes in
 * whatever order, and keeps {@link BUFFER_BYTES} of the answer at most.
 *
 * An `expect` looks at everything received since the last `send` or `connect`, from the first byte again for each expect,
 * and matches anywhere. A match is therefore known at once, but a mismatch never for sure: more bytes could always follow.
 * HAProxy waits for them until the timeout. Here an answer without the expected content is refused (a negated expect:
 * accepted) as soon as
 * - the peer has closed or reset the connection, the buffer is full, or `minRecv` is set and reached; or else
 * - something was received (at least `minRecv`) and then nothing for 100 ms when it ended with a line feed, or 300 ms when
 *   it ended in the middle of a line or with the beginning of the expected text.
 *
 * So "+OK\r\n" for "PONG" costs a tenth of a second instead of the whole timeout; "PO" and "NG\r\n" in two segments pass, also
 * when the second is lost once (TCP sends again after 200 ms at the soonest); a greeting before the answer and an answer of several
 * lines pass while their pauses are shorter. To judge a complete line at once instead would take a healthy server down
 * whenever it writes its answer line by line. A server that pauses longer within one answer needs a step for each part.
 */
export class TcpCheck {
  private at = -1;
  private buffer: Buffer | null = null;
  private received = 0;
  private ended = false;
  private tries = 0;
  private outcome: StepOutcome | null = null;
  private sent: Excerpt | null = null;
  /** Bytes that have come since, the ones that were thrown away included. */
  private arrived = 0;
  private seen: StepEvidence | null = null;

  constructor(private readonly script: Script) {}

  /** How far it has come, and what was said meanwhile: the end of it once it has ended. */
  get evidence(): StepEvidence {
    return this.seen ?? this.look();
  }

  /** The first action; call once. */
  start(): StepAction {
    return this.advance();
  }

  /** The next action. An event that cannot matter now is answered with a wait, any event after the end with the outcome. */
  handle(event: StepEvent): StepAction {
    const step = this.script.steps[this.at];
    if (this.outcome !== null) return { kind: "done", outcome: this.outcome };
    if (step === undefined) return WAIT;
    switch (event.kind) {
      case "connected":
        return step.kind === "connect" ? this.advance() : WAIT;
      case "sent":
        return step.kind === "send" ? this.advance() : WAIT;
      case "data":
        if (!this.ended) this.receive(event.bytes);
        return this.examine(step, false);
      case "eof":
        this.ended = true;
        return this.examine(step, false);
      case "quiet":
        return this.examine(step, true);
      case "failed":
        return this.connectionFailed(step, event.reason);
      case "timeout":
        return this.fail(step.kind === "connect" ? "L4TOUT" : "L7TOUT", whereText(this.script, step));
    }
  }

  private advance(): StepAction {
    this.at++;
    this.tries = 0;
    const step = this.script.steps[this.at];
    switch (step?.kind) {
      case undefined:
        return this.succeed();
      case "connect":
        this.forget();
        this.sent = null;
        this.ended = false;
        return { kind: "connect", port: step.port };
      case "send":
        this.forget();
        this.sent = excerpt(step.bytes);
        return { kind: "send", bytes: step.bytes };
      case "expect":
        return this.examine(step, false);
    }
  }

  private forget(): void {
    this.received = 0;
    this.arrived = 0;
  }

  private look(): StepEvidence {
    const { steps } = this.script;
    const step = steps[Math.min(this.at, steps.length - 1)] as ScriptStep;
    const answer = this.buffer?.subarray(0, this.received) ?? new Uint8Array();
    return {
      step: { number: step.number, of: steps.at(-1)?.number ?? 0, doing: doing(step) },
      sent: this.sent,
      received: excerpt(answer, this.arrived),
    };
  }

  private receive(bytes: Uint8Array): void {
    this.arrived += bytes.length;
    this.buffer ??= Buffer.allocUnsafe(BUFFER_BYTES);
    const taken = bytes.subarray(0, BUFFER_BYTES - this.received);
    this.buffer.set(taken, this.received);
    this.received += taken.length;
  }

  private examine(step: ScriptStep, quiet: boolean): StepAction {
    if (step.kind !== "expect") return WAIT;
    const { pattern, minRecv, negate } = step;
    const complete = this.ended || this.received === BUFFER_BYTES;
    if (this.received === 0) return complete ? this.fail("L7RSP", emptyText(step)) : WAIT;
    if (!complete && this.received < minRecv) return WAIT;

    const answer = (this.buffer as Buffer).subarray(0, this.received);
    const conclusive = complete || quiet || (minRecv > 0 && this.received >= pattern.leastBytes);
    const patience: StepAction = { kind: "wait", quietMs: quietMs(answer, pattern) };
    if (pattern.costly && !conclusive && ++this.tries > EAGER_TRIES) return patience;
    if (pattern.matches(answer)) return negate ? this.fail("L7RSP", mismatchText(step)) : this.advance();
    if (!conclusive) return patience;
    return negate ? this.advance() : this.fail("L7RSP", mismatchText(step));
  }

  private connectionFailed(step: ScriptStep, reason: string): StepAction {
    if (step.kind === "connect") return this.fail("L4CON", reason + whereText(this.script, step));
    if (step.kind === "expect" && this.received > 0) {
      // A reset right behind an answer is a rude way to close: the answer still counts.
      this.ended = true;
      return this.examine(step, false);
    }
    return this.fail("SOCKERR", reason + whereText(this.script, step));
  }

  private succeed(): StepAction {
    const info = this.script.plain ? null : "(tcp-check)";
    return this.script.steps.at(-1)?.kind === "connect"
      ? this.end({ status: "L4OK", code: null, info, passed: true })
      : this.end({ status: "L7OK", code: 0, info, passed: true });
  }

  private fail(status: CheckStatus, info: string): StepAction {
    return this.end({ status, code: null, info: info.slice(0, INFO_LENGTH) || null, passed: false });
  }

  private end(outcome: StepOutcome): StepAction {
    this.outcome = outcome;
    this.seen = this.look();
    this.buffer = null;
    return { kind: "done", outcome };
  }
}

const WAIT: StepAction = { kind: "wait", quietMs: null };

function quietMs(answer: Buffer, pattern: Pattern): number {
  return answer[answer.length - 1] === LINE_FEED && !pattern.begins(answer) ? QUIET_AFTER_LINE_MS : QUIET_MID_LINE_MS;
}
