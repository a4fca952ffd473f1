import { systemClock } from "../../core/clock.ts";
import { assertNever, UserError } from "../../core/errors.ts";
import { ExitCode } from "../exit.ts";
import { draw } from "./draw.ts";
import { decodeKeys, decodeRest } from "./keys.ts";
import type { Ability } from "./lines.ts";
import { explain, look, type Oracle, order } from "./look.ts";
import { type Effect, initialState, type WatchEvent, type WatchState } from "./state.ts";
import { step } from "./step.ts";
import { Terminal } from "./terminal.ts";

/** A lone ESC is the Escape key when nothing follows within this time. */
const ESCAPE_MS = 50;
/** The clock on the screen goes on while looks are rarer. */
const LONGEST_TICK_MS = 1000;

const ENDING = { SIGHUP: 129, SIGINT: 130, SIGQUIT: 131, SIGTERM: 143 } as const;

/**
 * The live view, until the person who looks has seen enough: 0, or 128 and a signal's number. Throws what breaks it, with
 * the terminal as it was before.
 */
export function watch(oracle: Oracle, intervalMs: number, ability: Ability): Promise<number> {
  return new Watch(oracle, intervalMs, ability).run();
}

/** Wires keys, signals and answers to the state, and the state to the terminal. */
class Watch {
  private readonly clock = systemClock;
  private readonly ended = Promise.withResolvers<number>();
  private readonly terminal = new Terminal(process.stdin, process.stdout, this.clock, () => this.end(ENDING.SIGHUP));
  private readonly decoder = new TextDecoder();
  private state: WatchState;
  private typed = "";
  private cancelEscape = () => {};
  private cancelTick = () => {};

  constructor(
    private readonly oracle: Oracle,
    private readonly intervalMs: number,
    private readonly ability: Ability,
  ) {
    const { columns, rows } = this.terminal.size();
    this.state = initialState(columns, rows, intervalMs, this.clock.wallMs());
  }

  async run(): Promise<number> {
    const fail = (error: unknown) => this.fail(error);
    process.on("uncaughtException", fail).on("unhandledRejection", fail);
    for (const [signal, status] of Object.entries(ENDING)) process.on(signal, () => this.end(status));
    process.on("SIGWINCH", () => this.resized());
    process.on("SIGTSTP", () => this.suspend());
    process.on("SIGCONT", () => this.resume());
    process.stdin.on("data", (bytes: Uint8Array) => this.heard(bytes));
    for (const last of ["end", "close", "error"]) process.stdin.on(last, () => this.end(ENDING.SIGHUP));
    this.terminal.enter();
    this.tick();
    try {
      return await this.ended.promise;
    } finally {
      this.cancelTick();
      this.cancelEscape();
      process.off("uncaughtException", fail).off("unhandledRejection", fail);
    }
  }

  private end(status: number): void {
    this.terminal.leave();
    this.ended.resolve(status);
  }

  private fail(error: unknown): void {
    this.terminal.leave();
    this.ended.reject(error);
  }

  private tick(): void {
    this.happened({ kind: "tick", nowMs: this.clock.nowMs(), wallMs: this.clock.wallMs() });
    this.cancelTick = this.clock.after(Math.min(this.intervalMs, LONGEST_TICK_MS), () => this.tick());
  }

  private heard(bytes: Uint8Array): void {
    this.cancelEscape();
    const { keys, rest } = decodeKeys(this.typed + this.decoder.decode(bytes, { stream: true }));
    this.typed = rest;
    for (const key of keys) this.happened({ kind: "key", key });
    if (rest !== "") this.cancelEscape = this.clock.after(ESCAPE_MS, () => this.heardNoMore());
  }

  private heardNoMore(): void {
    const keys = decodeRest(this.typed);
    this.typed = "";
    for (const key of keys) this.happened({ kind: "key", key });
  }

  private resized(): void {
    this.happened({ kind: "resize", ...this.terminal.size() });
  }

  /** Stops as job control does, with the terminal as the shell wants it. */
  private suspend(): void {
    this.terminal.leave();
    process.kill(process.pid, "SIGSTOP");
  }

  /** Goes on, also after a stop that came without a word. */
  private resume(): void {
    this.terminal.enter();
    this.resized();
  }

  private happened(event: WatchEvent): void {
    try {
      const { state, effects } = step(this.state, event);
      this.state = state;
      for (const effect of effects) this.carryOut(effect);
      this.terminal.show(draw(this.state, this.ability));
    } catch (error) {
      this.fail(error);
    }
  }

  private carryOut(effect: Effect): void {
    switch (effect.kind) {
      case "look":
        void this.look();
        return;
      case "command":
        void this.command(effect.command);
        return;
      case "explain":
        void this.explain(effect.name);
        return;
      case "redraw":
        this.terminal.forget();
        return;
      case "suspend":
        this.suspend();
        return;
      case "quit":
        this.end(ExitCode.ok);
        return;
      default:
        assertNever(effect);
    }
  }

  private async look(): Promise<void> {
    const event = await look(this.oracle).then(
      (sample) => ({ kind: "sampled", sample }) as const,
      (error: unknown) => ({ kind: "unanswered", reason: reasonOf(error) }) as const,
    );
    this.happened({ ...event, wallMs: this.clock.wallMs() });
  }

  private async command(command: string): Promise<void> {
    const { text, refused } = await order(this.oracle, command).catch((error: unknown) => ({
      text: reasonOf(error),
      refused: true,
    }));
    this.happened({ kind: "commanded", command, done: !refused, answer: text });
  }

  private async explain(name: string): Promise<void> {
    const text = await explain(this.oracle, name).catch((error: unknown) => reasonOf(error));
    this.happened({ kind: "explained", name, text });
  }
}

/** What people can be told; anything else is our own fault and ends the view. */
function reasonOf(error: unknown): string {
  if (error instanceof UserError) return error.message;
  throw error;
}
