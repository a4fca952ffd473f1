import { accessSync, closeSync, constants, openSync, readFileSync, realpathSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import type { Clock } from "../core/clock.ts";
import { SUCCESSOR_CHECK, selfCommand } from "../core/self.ts";
import { executeHandingOver } from "../net/execute.ts";
import { endText, runProgram } from "../net/runProgram.ts";
import { descriptorsOf, HANDOFF_VERSION, type Handoff, putHandoff } from "./handoff.ts";
import type { Incumbent } from "./succession.ts";

/** A program that has not said within this time whether it can take over cannot. */
const CHECK_MS = 10_000;
const MAX_COMPLAINT_BYTES = 2000;
/** Neither to be read nor written: who may execute a program need not be allowed to read it. */
const O_PATH = 0o10000000;

/**
 * The command line of this program as it was started, by the name it was started by: that may be a link which will name
 * another version one day. Call it early, before the file is replaced.
 */
export function programOnDisk(): string[] {
  const [executable = "", ...script] = selfCommand();
  const [typed = ""] = readFileSync("/proc/self/cmdline", "latin1").split("\0");
  const path = isAbsolute(typed) ? typed : typed.includes("/") ? resolve(typed) : (Bun.which(typed) ?? executable);
  return [isSameFile(path, executable) ? path : executable.replace(/ \(deleted\)$/, ""), ...script];
}

function isSameFile(a: string, b: string): boolean {
  try {
    return realpathSync(a) === realpathSync(b);
  } catch {
    return false;
  }
}

/**
 * Has the program on disk say whether it can take our place with this configuration file; why not, or null.
 *
 * @param stopped nobody wants to know any more: it is ended
 */
export async function successorProblem(
  program: readonly string[],
  configFile: string,
  incumbent: Incumbent,
  clock: Clock,
  stopped: AbortSignal,
): Promise<string | null> {
  const command = [
    ...program,
    SUCCESSOR_CHECK,
    String(HANDOFF_VERSION),
    resolve(configFile),
    JSON.stringify(incumbent),
  ];
  const run = runProgram(command, { timeoutMs: CHECK_MS, user: null, clock, maxStderrBytes: MAX_COMPLAINT_BYTES });
  stopped.addEventListener("abort", () => run.kill(), { once: true });
  const { stderr, ...end } = await run.done;
  if (end.kind === "exited" && end.code === 0) return null;
  return `${program[0]} cannot take over: ${endText(end)}${stderr === "" ? "" : `: ${stderr}`}`;
}

/** The executable of this process, which stays what it is when the file is replaced. Throws as openSync does. */
export function openOwnExecutable(): number {
  return openSync("/proc/self/exe", O_PATH);
}

/** This process becomes the program on disk. Returns only by throwing. */
export function executeSuccessor(handoff: Handoff): never {
  executeWith(handoff.program[0] ?? "", handoff);
}

/** Whether a program can be executed again that {@link openOwnExecutable} has opened. */
export function canGoBack({ executable }: Handoff): boolean {
  try {
    accessSync(`/proc/self/fd/${executable}`, constants.X_OK);
    return executable !== null;
  } catch {
    return false;
  }
}

/** This process becomes again what it was before the upgrade that gave it this handoff. Returns only by throwing. */
export function rollBack(handoff: Handoff, failure: string): never {
  if (handoff.executable === null) throw new Error(`there is nothing to go back to: ${failure}`);
  executeWith(`/proc/self/fd/${handoff.executable}`, { ...handoff, failure });
}

function executeWith(path: string, handoff: Handoff): never {
  const { fd, environment } = putHandoff(handoff, process.env);
  try {
    const words = [...handoff.program, ...process.argv.slice(2)];
    executeHandingOver(path, words, environment, [...descriptorsOf(handoff), fd]);
  } finally {
    closeSync(fd);
  }
}
