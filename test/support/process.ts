import { existsSync } from "node:fs";
import { join } from "node:path";
import { atEnd } from "./cleanup.ts";

/** The top of the repository. */
export const ROOT = join(import.meta.dir, "../..");

/** Of a process's output, this much of the end is kept; a test that needs more writes to a file. */
const KEPT_CHARS = 4 << 20;

/** How a process ended: its exit code, or the signal that ended it. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | number | null;
}

/** An ended process with what it said. */
export interface Result extends Exit {
  stdout: string;
  stderr: string;
}

export interface StartOptions {
  cwd?: string;
  /** Added to the environment; undefined takes a variable out. */
  env?: Record<string, string | undefined>;
  /** Text for stdin; without it stdin is empty. */
  stdin?: string;
}

/** A real process. It leads a process group of its own, and the whole group is killed when the test ends. */
export interface Running {
  readonly pid: number;
  readonly command: string;
  /** Resolves when the process has ended and its output is read. */
  readonly exited: Promise<Exit>;
  /** stdout and stderr in order of arrival. */
  output(): string;
  stdout(): string;
  stderr(): string;
  /** True while the process has not ended. */
  alive(): boolean;
  /**
   * Waits until the output contains the text or matches the pattern, from `from` (an earlier `output().length`)
   * on; default 10 s. Fails with the whole output when the time is over or the process ends without it.
   */
  waitFor(pattern: string | RegExp, options?: { timeoutMs?: number; from?: number }): Promise<string>;
  /** Sends one signal to the process itself. */
  signal(name: NodeJS.Signals): void;
  /** Sends `signal` (SIGTERM) and waits for the end; after `timeoutMs` (10 s) kills the group and fails. Idempotent. */
  stop(options?: { signal?: NodeJS.Signals; timeoutMs?: number }): Promise<Exit>;
  /** SIGKILL to the whole group, and waits for the end. Idempotent. */
  kill(): Promise<Exit>;
}

/** Path of the compiled product. Throws what to do when it is not built. */
export function binary(): string {
  const path = join(ROOT, "dist/haproxy-lite");
  if (!existsSync(path)) throw new Error(`${path} is not built: run "npm run build" (npm test does)`);
  return path;
}

/** Starts a real process; see `Running`. */
export function start(cmd: readonly string[], options: StartOptions = {}): Running {
  let running: Running | null = null;
  atEnd(async () => {
    await running?.kill();
  });
  const child = Bun.spawn([...cmd], {
    cwd: options.cwd ?? ROOT,
    env: environment(options.env),
    stdin: options.stdin === undefined ? "ignore" : new Blob([options.stdin]),
    stdout: "pipe",
    stderr: "pipe",
    detached: true,
  });
  const command = cmd.join(" ");
  const heard = { stdout: "", stderr: "", both: "", cut: 0 };
  const listeners = new Set<() => void>();
  let exit: Exit | null = null;
  let groupGone = false;

  const read = async (from: ReadableStream<Uint8Array>, name: "stdout" | "stderr"): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const bytes of from) {
      const text = decoder.decode(bytes, { stream: true });
      heard[name] = (heard[name] + text).slice(-KEPT_CHARS);
      const both = heard.both + text;
      heard.both = both.slice(-KEPT_CHARS);
      heard.cut += both.length - heard.both.length;
      for (const listener of listeners) listener();
    }
  };
  const outputRead = Promise.all([read(child.stdout, "stdout"), read(child.stderr, "stderr")]);
  const exited = child.exited.then(async (): Promise<Exit> => {
    // A grandchild may hold the pipes open; what the process itself said has arrived by now.
    await Promise.race([outputRead, Bun.sleep(200)]);
    // From here on the number can be another group's, unless a member of ours still holds it.
    groupGone = !signalGroup(child.pid, 0);
    const ended: Exit = { code: child.signalCode === null ? child.exitCode : null, signal: child.signalCode };
    exit = ended;
    for (const listener of listeners) listener();
    return ended;
  });
  const story = (): string =>
    `${command} (pid ${child.pid}, ${exit === null ? "running" : say(exit)}) said:\n${heard.both}`;

  const made: Running = {
    pid: child.pid,
    command,
    exited,
    output: () => heard.both,
    stdout: () => heard.stdout,
    stderr: () => heard.stderr,
    alive: () => exit === null && child.exitCode === null && child.signalCode === null,
    waitFor(pattern, { timeoutMs = 10_000, from = 0 } = {}) {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const look = (): void => {
        const found = find(heard.both.slice(Math.max(0, from - heard.cut)), pattern);
        if (found !== null) resolve(found);
        else if (exit !== null) reject(new Error(`${String(pattern)} never came: ${story()}`));
      };
      const timer = setTimeout(
        () => reject(new Error(`${String(pattern)} not in ${timeoutMs} ms: ${story()}`)),
        timeoutMs,
      );
      listeners.add(look);
      look();
      return promise.finally(() => {
        clearTimeout(timer);
        listeners.delete(look);
      });
    },
    signal(name) {
      if (made.alive()) process.kill(child.pid, name);
    },
    async stop({ signal = "SIGTERM", timeoutMs = 10_000 } = {}) {
      made.signal(signal);
      if (await within(exited, timeoutMs)) return exited;
      await made.kill();
      throw new Error(`still there ${timeoutMs} ms after ${signal}: ${story()}`);
    },
    async kill() {
      if (!groupGone) signalGroup(child.pid, "SIGKILL");
      return exited;
    },
  };
  running = made;
  return made;
}

/** Runs a command to its end (default: at most 20 s, then killed and failed) and tells how it ended, whatever that is. */
export async function run(
  cmd: readonly string[],
  { timeoutMs = 20_000, ...options }: StartOptions & { timeoutMs?: number } = {},
): Promise<Result> {
  const running = start(cmd, options);
  if (!(await within(running.exited, timeoutMs))) {
    await running.kill();
    throw new Error(`${running.command} did not end in ${timeoutMs} ms; it said:\n${running.output()}`);
  }
  return { ...(await running.exited), stdout: running.stdout(), stderr: running.stderr() };
}

/** `run` for a command that must succeed: returns its stdout, and throws all its output when it exits with anything but 0. */
export async function runOk(
  cmd: readonly string[],
  options: StartOptions & { timeoutMs?: number } = {},
): Promise<string> {
  const result = await run(cmd, options);
  if (result.code !== 0) throw new Error(`${cmd.join(" ")} ${say(result)}:\n${result.stdout}${result.stderr}`);
  return result.stdout;
}

function environment(changes: Record<string, string | undefined> = {}): Record<string, string> {
  // Set by the runner for bun test's own children; the product, a Bun program too, would die with whoever started it.
  const env = { ...process.env, BUN_FEATURE_FLAG_NO_ORPHANS: undefined, NO_COLOR: "1", ...changes };
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function find(text: string, pattern: string | RegExp): string | null {
  if (typeof pattern === "string") return text.includes(pattern) ? pattern : null;
  return new RegExp(pattern.source, pattern.flags.replace("g", "")).exec(text)?.[0] ?? null;
}

function say(exit: Exit): string {
  return exit.signal === null ? `exited with ${exit.code}` : `ended by ${exit.signal}`;
}

async function within(promise: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  let timer: Timer | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, false);
  });
  return Promise.race([promise.then(() => true), late]).finally(() => clearTimeout(timer));
}

/** False when the group has no member any more. A group can outlive its leader. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch (failure) {
    if ((failure as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw failure;
  }
}
