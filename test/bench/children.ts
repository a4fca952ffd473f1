import { closeSync, openSync, readFileSync } from "node:fs";
import { processTree } from "./procfs.ts";

/** What went wrong outside of this program: something did not start, ended early or refused a connection. */
export class BenchError extends Error {
  override readonly name = "BenchError";
}

/** The run was told to end; nothing more is started. */
export class StoppedError extends Error {
  override readonly name = "StoppedError";
}

/** A long-running program started for the bench. */
export interface Child {
  name: string;
  pid: number;
  /** What it has written to stdout and stderr so far. */
  output(): string;
  /** True once it ended. */
  ended(): boolean;
}

const STOP_GRACE_MS = 5000;

/** Every process the bench starts, so that none outlives it. */
export class Children {
  readonly #running = new Map<Child, Bun.Subprocess>();
  readonly #dir: string;
  #started = 0;
  #stopped = false;

  /** `dir` gets one output file for each program. */
  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Starts a program that runs until it is stopped. */
  start(name: string, command: string[]): Child {
    this.#refuseWhenStopped();
    const path = `${this.#dir}/output-${++this.#started}`;
    const file = openSync(path, "w");
    const subprocess = Bun.spawn(command, { stdio: ["ignore", file, file] });
    closeSync(file);
    const child: Child = {
      name,
      pid: subprocess.pid,
      output: () => readFileSync(path, "utf8"),
      ended: () => subprocess.exitCode !== null || subprocess.signalCode !== null,
    };
    this.#running.set(child, subprocess);
    return child;
  }

  /** Runs a program to its end and returns what it wrote to stdout. Throws when it fails or takes longer than `limitMs`. */
  async run(command: string[], limitMs: number): Promise<string> {
    this.#refuseWhenStopped();
    const name = command[0] ?? "";
    const subprocess = Bun.spawn(command, {
      stdio: ["ignore", "pipe", "pipe"],
      timeout: limitMs,
      killSignal: "SIGKILL",
    });
    const child: Child = { name, pid: subprocess.pid, output: () => "", ended: () => subprocess.exitCode !== null };
    this.#running.set(child, subprocess);
    const [out, err, code] = await Promise.all([subprocess.stdout.text(), subprocess.stderr.text(), subprocess.exited]);
    this.#running.delete(child);
    this.#refuseWhenStopped();
    if (code !== 0)
      throw new BenchError(`${command.join(" ")} ended with ${subprocess.signalCode ?? code}: ${(err || out).trim()}`);
    return out;
  }

  /** Ends a program and everything below it: SIGTERM, and SIGKILL for what is left after five seconds. */
  async stop(child: Child): Promise<void> {
    const subprocess = this.#running.get(child);
    if (subprocess === undefined) return;
    const tree = processTree(child.pid).map((each) => each.pid);
    subprocess.kill("SIGTERM");
    const ended = await Promise.race([subprocess.exited.then(() => true), Bun.sleep(STOP_GRACE_MS).then(() => false)]);
    // The supervisor's children end with it, unless it was broken.
    const left = ended ? tree.filter((pid) => pid !== child.pid && processTree(pid).length > 0) : tree;
    for (const pid of left) killQuietly(pid);
    await subprocess.exited;
    this.#running.delete(child);
  }

  /** Ends everything that still runs, the newest first, and starts nothing any more. */
  async stopAll(): Promise<void> {
    this.#stopped = true;
    for (const child of [...this.#running.keys()].reverse()) await this.stop(child);
  }

  /** The last resort of a process that is exiting: SIGKILL for everything, without waiting. */
  killAll(): void {
    for (const child of this.#running.keys()) for (const { pid } of processTree(child.pid)) killQuietly(pid);
  }

  #refuseWhenStopped(): void {
    if (this.#stopped) throw new StoppedError("the bench was stopped");
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself in the meantime.
  }
}
