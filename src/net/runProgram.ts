import { readFileSync, type Stats, statSync } from "node:fs";
import { constants } from "node:os";
import type { Clock } from "../core/clock.ts";
import { errnoName } from "../core/errno.ts";
import { assertNever } from "../core/errors.ts";
import type { Account } from "./accounts.ts";
import { strerror } from "./libc.ts";
import { programEnvironment } from "./programEnvironment.ts";
import { StderrPipe } from "./stderrPipe.ts";

/** Between SIGTERM and SIGKILL, as keepalived has it. */
const GRACE_MS = 2000;
/** Pause between two looks at something that ends in a moment. */
const LOOK_MS = 50;

/** How a program is run. */
export interface RunOptions {
  /** After so long it has `timedOut`, and is killed; 1…2³¹−1. */
  readonly timeoutMs: number;
  /** Whom it becomes, which only root can bring about; null: it stays what we are. Supplementary groups are dropped. */
  readonly user: Account | null;
  /** Added to its environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** Of what it writes to stderr, so much of the beginning is kept. */
  readonly maxStderrBytes: number;
}

/** How a program ended. */
export type End =
  | { readonly kind: "exited"; readonly code: number }
  /** "SIGKILL", also when it was {@link Run.kill} that sent it. */
  | { readonly kind: "signalled"; readonly signal: string }
  | { readonly kind: "timedOut"; readonly timeoutMs: number }
  /** It never ran. `code`: the errno name; `reason` as in "/x/y: no such file". */
  | { readonly kind: "notRunnable"; readonly code: string; readonly reason: string };

/** How a program ended, and the beginning of what it wrote to stderr: one printable line, "" for nothing. */
export type Outcome = End & { readonly stderr: string };

/** A program that was started. */
export interface Run {
  /** null: it could not be started. */
  readonly pid: number | null;
  /**
   * The outcome, never a rejection. Known at the timeout, even if the program ignores our signals or hangs in the kernel;
   * its background children are not waited for.
   */
  readonly done: Promise<Outcome>;
  /** The program itself has ended and, if it was killed, its whole process group has been: time for the next run. */
  readonly gone: Promise<void>;
  /** Ends its process group: SIGTERM, and SIGKILL 2 s later. Harmless when it has ended, or when called again. */
  kill(): void;
}

/**
 * Runs a program without a shell: `command` is an absolute path and the arguments. It leads a session and a process group
 * of its own, with / as its directory and nothing on stdin; stdout goes nowhere. Costs the caller the time until the
 * program is loaded, about 0.2 ms on an idle machine; never throws. Children that it leaves behind when it ends by itself
 * are let be: it may have started a daemon.
 */
export function runProgram(command: readonly string[], options: RunOptions): Run {
  const run = new RunningProgram(command, options);
  run.start();
  return run;
}

/** "exit status 1", "killed by SIGSEGV", "timed out after 2s (killed)", "/x/y: no such file". */
export function endText(end: End): string {
  switch (end.kind) {
    case "exited":
      return `exit status ${end.code}`;
    case "signalled":
      return `killed by ${end.signal}`;
    case "timedOut":
      return `timed out after ${end.timeoutMs < 1000 ? `${end.timeoutMs}ms` : `${end.timeoutMs / 1000}s`} (killed)`;
    case "notRunnable":
      return end.reason;
    default:
      return assertNever(end);
  }
}

class RunningProgram implements Run {
  pid: number | null = null;
  readonly done: Promise<Outcome>;
  readonly gone: Promise<void>;
  private readonly conclude: (outcome: Outcome) => void;
  private readonly leave: () => void;
  private stderr: StderrPipe | null = null;
  private ended = false;
  private killing = false;
  private cancelTimeout: () => void = () => {};
  /** The SIGKILL that follows; null: not sent yet because nothing was asked, or sent. */
  private cancelGrace: (() => void) | null = null;

  constructor(
    private readonly command: readonly string[],
    private readonly options: RunOptions,
  ) {
    const done = Promise.withResolvers<Outcome>();
    const gone = Promise.withResolvers<void>();
    this.done = done.promise;
    this.conclude = done.resolve;
    this.gone = gone.promise;
    this.leave = gone.resolve;
  }

  start(): void {
    const { user, timeoutMs, clock, maxStderrBytes } = this.options;
    try {
      this.stderr = StderrPipe.make(user, clock, maxStderrBytes);
      this.pid = this.spawn(this.stderr.writeEnd).pid;
      this.cancelTimeout = clock.after(timeoutMs, () => this.onTimeout());
    } catch (error) {
      this.ended = true;
      this.conclude({ ...notRunnable(this.command[0] ?? "", user, error), stderr: "" });
      this.leave();
    }
    this.stderr?.handedOver();
    if (this.ended) this.stderr?.close();
  }

  kill(): void {
    if (this.killing || this.ended) return;
    this.killing = true;
    this.signalGroup("SIGTERM");
    this.cancelGrace = this.options.clock.after(GRACE_MS, () => {
      this.cancelGrace = null;
      this.signalGroup("SIGKILL");
      if (this.ended) this.leave();
    });
  }

  private spawn(stderr: number): Bun.Subprocess {
    const { user, env } = this.options;
    return Bun.spawn({
      cmd: [...this.command],
      cwd: "/",
      env: programEnvironment(process.env, user, env),
      stdio: ["ignore", "ignore", stderr],
      detached: true,
      ...(user === null ? {} : { uid: user.uid, gid: user.gid }),
      onExit: (child, code, signal) => this.onExit(code, child.signalCode ?? signal),
    });
  }

  private onExit(code: number | null, signal: string | number | null): void {
    this.ended = true;
    this.cancelTimeout();
    this.end(signal === null ? { kind: "exited", code: code ?? -1 } : { kind: "signalled", signal: String(signal) });
    this.stderr?.programEnded();
    this.leaveWithGroup();
  }

  private leaveWithGroup(): void {
    // The number of a group stays taken while the group has members, so the SIGKILL to come meets nobody else.
    if (this.cancelGrace !== null && this.signalGroup(0)) {
      this.options.clock.after(LOOK_MS, () => this.leaveWithGroup());
      return;
    }
    this.cancelGrace?.();
    this.leave();
  }

  private onTimeout(lookedAgain = false): void {
    if (this.ended) return;
    // We may have been frozen while it ended in time: the news is on its way then. (Or its first thread alone has ended.)
    if (!lookedAgain && isZombie(this.pid as number)) {
      this.cancelTimeout = this.options.clock.after(LOOK_MS, () => this.onTimeout(true));
      return;
    }
    this.end({ kind: "timedOut", timeoutMs: this.options.timeoutMs });
    this.kill();
  }

  private end(end: End): void {
    this.conclude({ ...end, stderr: this.stderr?.text() ?? "" });
  }

  /** False when the group has no member any more; it can outlive its leader. */
  private signalGroup(signal: NodeJS.Signals | 0): boolean {
    try {
      process.kill(-(this.pid as number), signal);
      return true;
    } catch {
      return false;
    }
  }
}

function isZombie(pid: number): boolean {
  try {
    // proc(5): "PID (NAME) STATE …", and the name may contain anything.
    return /\) [ZX] [^)]*$/.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

function notRunnable(path: string, user: Account | null, error: unknown): End {
  const errno = Math.abs(Number((error as NodeJS.ErrnoException).errno)) || 0;
  return { kind: "notRunnable", code: errnoName(errno), reason: `${path}: ${whyNot(path, user, errno, error)}` };
}

function whyNot(path: string, user: Account | null, errno: number, error: unknown): string {
  const file = statOrNull(path);
  switch (errno) {
    case 0:
      return (error as Error).message;
    case constants.errno.ENOENT:
      return file === null ? "no such file" : "its interpreter (#! line or loader) does not exist";
    case constants.errno.EACCES:
      if (file?.isDirectory()) return "is a directory";
      return user === null ? "not executable" : `not executable by user ${user.name}`;
    case constants.errno.ENOEXEC:
      return "neither a binary for this machine nor a script with a #! line";
    default:
      return strerror(errno).toLowerCase();
  }
}

function statOrNull(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}
