import type { ArgsDef } from "citty";
import { suggest } from "../config/suggest.ts";

/** What is wrong with a command line; null: nothing. */
export function findUsageProblem(rawArgs: readonly string[], args: ArgsDef): string | null {
  const known = knownFlags(args);
  const positionals = Object.values(args).filter((arg) => arg.type === "positional").length;
  let seen = 0;
  for (let i = 0; i < rawArgs.length; i++) {
    const word = rawArgs[i] as string;
    if (!word.startsWith("-") || word === "-") {
      if (++seen > positionals) return `unexpected argument "${word}"`;
      continue;
    }
    const [flag = word, value] = word.split("=", 2);
    const kind = known.get(flag);
    if (kind === undefined) return unknown(flag, [...known.keys()]);
    if (kind !== "value") continue;
    if (value === undefined && (rawArgs[i + 1] === undefined || rawArgs[i + 1]?.startsWith("-"))) return `${flag} needs a value`;
    if (value === undefined) i++;
  }
  return null;
}

function knownFlags(args: ArgsDef): Map<string, "switch" | "value"> {
  const known = new Map<string, "switch" | "value">([
    ["--help", "switch"],
    ["-h", "switch"],
  ]);
  for (const [name, arg] of Object.entries(args)) {
    if (arg.type === "positional") continue;
    const kind = arg.type === "boolean" ? "switch" : "value";
    known.set(`--${name}`, kind);
    const { alias } = arg as { alias?: string | string[] };
    for (const short of alias === undefined ? [] : [alias].flat()) known.set(short.length === 1 ? `-${short}` : `--${short}`, kind);
  }
  return known;
}

function unknown(flag: string, known: readonly string[]): string {
  const near = suggest(flag, known);
  return `unknown option ${flag}${near === null ? "" : `; did you mean ${near}?`}`;
}
