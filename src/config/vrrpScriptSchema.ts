import { duration, flag, int, name, oneOrMany, table, word } from "./keys.ts";

/** Weights beyond this could not be told from FAULT (keepalived 2.2.7). */
const MAX_WEIGHT = 253;
const MAX_RUNS = 100;
const DAY_MS = 86_400_000;

/** A weight in the priority arithmetic. */
export const weight = (help: string) => int(-MAX_WEIGHT, MAX_WEIGHT, help);
/** Turns a tracker round. */
export const reverse = () => flag("true: success and failure change places.").prefault(false);
/** The weight of a tracker that may mean FAULT. */
export const trackedWeight = () =>
  weight("0: failure means FAULT; above 0: added while well; below 0: added while failed.").prefault(0);

/** A program and its arguments. A single string is the program alone: no shell takes it apart. */
export const command = (help: string, example: string) =>
  oneOrMany(
    word(/^[^\0]+$/, { values: "a word of the command", example, problem: "is empty" }, "A word of the command."),
    `${help} A list: the absolute path of the program, then its arguments; no shell is involved.`,
    example,
  );

/** One [[vrrp.script]]. */
export const scriptSchema = table(
  {
    name: name("Name for track_script."),
    command: command("What to run; exit status 0 is success.", '"/usr/bin/true"'),
    interval: duration("Time between runs.", 10, DAY_MS).prefault("1s"),
    timeout: duration("Longest run; then it is killed and has failed. Default: interval.", 10, DAY_MS).optional(),
    weight: trackedWeight(),
    reverse: reverse(),
    rise: int(1, MAX_RUNS, "Successes in a row that count.").prefault(1),
    fall: int(1, MAX_RUNS, "Failures in a row that count.").prefault(1),
    init_fail: flag("true: counts as failed until its first result.").prefault(false),
    user: word(
      /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$/,
      { values: "a name of the system", example: '"nobody"', problem: "is not a user name" },
      "User it runs as; default: the one we run as.",
    ).optional(),
  },
  "A script that instances can track.",
).transform((raw) => ({
  name: raw.name,
  command: raw.command,
  intervalMs: raw.interval,
  timeoutMs: raw.timeout ?? raw.interval,
  weight: raw.weight,
  reverse: raw.reverse,
  rise: raw.rise,
  fall: raw.fall,
  initFail: raw.init_fail,
  user: raw.user ?? null,
}));
