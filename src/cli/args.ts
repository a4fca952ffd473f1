import type { ArgsDef } from "citty";
import { suggest } from "../config/suggest.ts";

/** A flag as people write it: which argument it is, and whether a value belongs to it. */
interface Flag {
  name: string;
  takesValue: boolean;
}

/** What is wrong with a command line; null: nothing. citty itself takes unknown flags, and throws for missing ones. */
export function findUsageProblem(rawArgs: readonly string[], args: ArgsDef): string | null {
  const known = knownFlags(args);
  const positionals = Object.keys(args).filter((name) => args[name]?.type === "positional");
  const given = new Set<string>();
  let seen = 0;
  for (let i = 0; i < rawArgs.length; i++) {
    const word = rawArgs[i] as string;
    if (!word.startsWith("-") || word === "-") {
      const positional = positionals[seen] ?? positionals.findLast((name) => takesSeveral(args, name));
      seen++;
      if (positional === undefined) return `unexpected argument "${word}"`;
      given.add(positional);
      continue;
    }
    const { flag, value } = splitFlag(word, known);
    const meant = known.get(flag);
    if (meant === undefined) return unknown(flag, [...known.keys()]);
    if (given.has(meant.name)) return `${flag} is given twice`;
    given.add(meant.name);
    if (!meant.takesValue) {
      if (value !== null) return `${flag} takes no value`;
      continue;
    }
    if (!flag.startsWith("--") && value?.startsWith("=")) return `write "${flag} ${value.slice(1)}", without "="`;
    const text = value ?? rawArgs[++i];
    if (text === undefined || text === "" || (value === null && text.startsWith("-"))) return `${flag} needs a value`;
  }
  const missing = Object.keys(args).find((name) => isRequired(args, name) && !given.has(name));
  return missing === undefined ? null : `${spelling(args, missing)} is needed`;
}

/** A positional "FILE …" may be given several times; parseArgs has them all in `_`. */
function takesSeveral(args: ArgsDef, name: string): boolean {
  const arg = args[name];
  return arg?.type === "positional" && (arg.valueHint ?? "").endsWith(" …");
}

/**
 * The command line with everything from the word that a "COMMAND…" positional begins with as one word: what follows it,
 * dashes included, belongs to it. Other command lines stay as they are.
 */
export function joinRest(rawArgs: readonly string[], args: ArgsDef): string[] {
  const takesRest = Object.values(args).some((arg) => arg.type === "positional" && /\S…$/.test(arg.valueHint ?? ""));
  if (!takesRest) return [...rawArgs];
  const known = knownFlags(args);
  for (let i = 0; i < rawArgs.length; i++) {
    const word = rawArgs[i] as string;
    if (!word.startsWith("-")) return [...rawArgs.slice(0, i), rawArgs.slice(i).join(" ")];
    const { flag, value } = splitFlag(word, known);
    if (value === null && known.get(flag)?.takesValue) i++;
  }
  return [...rawArgs];
}

/** "--flag=value" and "-fvalue" in two; `value` is null when it is not in the same word. */
function splitFlag(word: string, known: ReadonlyMap<string, Flag>): { flag: string; value: string | null } {
  if (!word.startsWith("--")) {
    const short = word.slice(0, 2);
    return word.length > 2 && known.get(short)?.takesValue
      ? { flag: short, value: word.slice(2) }
      : { flag: word, value: null };
  }
  const equals = word.indexOf("=");
  return equals < 0 ? { flag: word, value: null } : { flag: word.slice(0, equals), value: word.slice(equals + 1) };
}

function knownFlags(args: ArgsDef): Map<string, Flag> {
  const known = new Map<string, Flag>([
    ["--help", { name: "help", takesValue: false }],
    ["-h", { name: "help", takesValue: false }],
  ]);
  for (const [name, arg] of Object.entries(args)) {
    if (arg.type === "positional") continue;
    const flag = { name, takesValue: arg.type !== "boolean" };
    known.set(`--${name}`, flag);
    const { alias } = arg as { alias?: string | string[] };
    for (const each of alias === undefined ? [] : [alias].flat())
      known.set(each.length === 1 ? `-${each}` : `--${each}`, flag);
  }
  return known;
}

function isRequired(args: ArgsDef, name: string): boolean {
  const arg = args[name];
  return arg?.required === true && arg.default === undefined;
}

/** "-c FILE", "--socket PATH", "ADDRESS". */
function spelling(args: ArgsDef, name: string): string {
  const arg = args[name] as { type?: string; alias?: string | string[]; valueHint?: string } | undefined;
  const value = arg?.valueHint ?? name.toUpperCase();
  if (arg?.type === "positional") return value;
  const [short] = [arg?.alias ?? []].flat().filter((alias) => alias.length === 1);
  return `${short === undefined ? `--${name}` : `-${short}`} ${value}`;
}

function unknown(flag: string, known: readonly string[]): string {
  const near = suggest(flag, known);
  return `unknown option ${flag}${near === null ? "" : `; did you mean ${near}?`}`;
}
