import { readDuration } from "../../config/units.ts";
import { UserError } from "../../core/errors.ts";
import { ExitCode } from "../exit.ts";
import { print, wantsColour } from "../print.ts";
import type { Oracle } from "./look.ts";

/** A shorter interval would show no more, and cost the balancer. */
const SHORTEST_INTERVAL_MS = 100;
const LONGEST_INTERVAL_MS = 3_600_000;

/** `--interval`'s value in ms; throws UserError (wrong usage). */
export function readInterval(text: string): number {
  const read = readDuration(text, SHORTEST_INTERVAL_MS, LONGEST_INTERVAL_MS);
  if (read.ok) return read.value;
  throw new UserError(`--interval ${text} ${read.problem}: ${read.hint}`, ExitCode.usage);
}

/** `status --watch`: full screen on a terminal that has a keyboard, else plain lines of `width` columns; the exit status. */
export async function startWatch(oracle: Oracle, intervalMs: number, width: number): Promise<number> {
  if (!process.stdin.isTTY || !process.stdout.isTTY || (process.env.TERM ?? "dumb") === "dumb") {
    return await (await import("./plain.ts")).watchPlainly(oracle, intervalMs, width, (text) => print("stdout", text));
  }
  const ability = { colour: wantsColour("stdout"), unicode: isUnicode(process.env) };
  return await (await import("./watch.ts")).watch(oracle, intervalMs, ability);
}

/** locale(7): the first of these that is set says which characters the terminal is to be sent. */
export function isUnicode(env: Readonly<Record<string, string | undefined>>): boolean {
  return /utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || "");
}
