import type { Ledger } from "../ledger.ts";
import { type Statement, texts, wordAt } from "../source.ts";
import type { TomlDocument, TomlValue } from "../toml.ts";
import { durationText, readInt, readSecondsMs } from "../units.ts";
import type { Block } from "./blocks.ts";
import type { GlobalDefs } from "./globalDefs.ts";
import { names } from "./globalDefs.ts";
import type { Groups } from "./groups.ts";
import { splitCommand } from "./words.ts";

/** What a vrrp_script, vrrp_track_process or track_file comes to. */
export type Tracked =
  | {
      readonly kind: "script";
      readonly name: string;
      readonly from: Block;
      readonly keys: ReadonlyMap<string, { value: TomlValue; from: Statement }>;
    }
  /** It asks whether HAProxy runs. */
  | {
      readonly kind: "proxy";
      readonly name: string;
      readonly from: Block;
      readonly said: string;
      readonly weight: number;
      readonly reverse: boolean;
    }
  | {
      readonly kind: "file";
      readonly name: string;
      readonly from: Block;
      readonly path: string;
      readonly weight: number;
      readonly reverse: boolean;
    }
  | { readonly kind: "none"; readonly name: string; readonly from: Block };

/** Everything that instances can track, by name. */
export type Trackers = ReadonlyMap<string, Tracked>;

const PROXY_SCRIPTS = [
  /\bkillall\b.*-(0|s\s*0)\b.*\bhaproxy/,
  /\b(pidof|pgrep)\b.*\bhaproxy/,
  /\bsystemctl\b.*\b(is-active|status)\b.*\bhaproxy/,
  /\bservice\s+haproxy\s+status/,
  /\/haproxy\s+status\b/,
  /\bkill\s+-0\b.*haproxy/,
  /\bps\b.*\bhaproxy/,
  /\/haproxy\S*\.pid\b/,
];

/** True for a script that asks whether HAProxy's process is there, and nothing more. */
export function asksForProxy(script: string): boolean {
  return PROXY_SCRIPTS.some((pattern) => pattern.test(script.slice(0, 500)));
}

const WEIGHT = 253;

/** Weight and `reverse` of a tracker; null: it is none. */
export function readWeight(words: readonly string[]): { weight: number; reverse: boolean } | null {
  const value = readInt(words[0] ?? "");
  return value === null
    ? null
    : { weight: Math.min(WEIGHT, Math.max(-WEIGHT, value)), reverse: words.includes("reverse") };
}

/** Reads every tracker. */
export function readScripts(
  blocks: readonly Block[],
  globals: GlobalDefs,
  findProgram: (name: string) => string | null,
  ledger: Ledger,
): Trackers {
  const found = new Map<string, Tracked>();
  for (const block of blocks) {
    const name = wordAt(block, 1);
    const kind = wordAt(block, 0);
    const tracked =
      kind === "vrrp_script"
        ? readScript(name, block, globals, findProgram, ledger)
        : kind === "vrrp_track_process"
          ? readProcess(name, block, ledger)
          : readFile(name, block, ledger);
    if (!/^[A-Za-z0-9_.:-]{1,64}$/.test(name))
      ledger.leftOut(block, "its name has characters that a name cannot have", "", true);
    else found.set(name, tracked);
  }
  return found;
}

function readScript(
  name: string,
  from: Block,
  globals: GlobalDefs,
  findProgram: (name: string) => string | null,
  ledger: Ledger,
): Tracked {
  const keys = new Map<string, { value: TomlValue; from: Statement }>();
  const put = (key: string, value: TomlValue | null, statement: Statement) => {
    if (value === null) ledger.leftOut(statement, `"${wordAt(statement, 1)}" is not a value that ${key} can have`);
    else keys.set(key, { value, from: statement });
  };
  const count = (text: string) => {
    const value = readInt(text);
    return value === null || value < 1 ? null : Math.min(100, value);
  };
  const time = (text: string) => {
    const ms = readSecondsMs(text);
    return ms === null || ms === 0 ? null : durationText(Math.round(ms / 10) * 10, 10, 86_400_000);
  };
  let script = "";
  let statementOf: Statement = from;
  let weight = { weight: 0, reverse: false };
  for (const statement of from.block ?? []) {
    const [word = "", value = "", ...rest] = texts(statement);
    switch (word) {
      case "script":
        script = [value, ...rest].join(" ");
        statementOf = statement;
        break;
      case "interval":
      case "timeout":
        put(word, time(value), statement);
        break;
      case "rise":
      case "fall":
        put(word, count(value), statement);
        break;
      case "weight": {
        const read = readWeight([value, ...rest]);
        if (read === null) put("weight", null, statement);
        else {
          weight = read;
          if (read.weight !== 0) put("weight", read.weight, statement);
          else ledger.mark(statement.line, "default");
          if (read.reverse) keys.set("reverse", { value: true, from: statement });
        }
        break;
      }
      case "init_fail":
        put("init_fail", true, statement);
        break;
      case "user":
        put("user", /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$/.test(value) ? value : null, statement);
        break;
      default:
        ledger.leftOut(statement, "a script has no such setting");
    }
  }
  if (script === "") {
    ledger.leftOut(from, "it names no script", "", true);
    return { kind: "none", name, from };
  }
  if (asksForProxy(script)) {
    for (const statement of from.block ?? [])
      if (ledger.fateOf(statement.line) === null) ledger.mark(statement.line, "default");
    ledger.mark(statementOf.line, "carried");
    return { kind: "proxy", name, from, said: script, ...weight };
  }
  const command = absoluteCommand(script, statementOf, findProgram, ledger);
  if (command.length === 0) {
    ledger.leftOut(statementOf, "there is no command", "", true);
    return { kind: "none", name, from };
  }
  const user = keys.get("user") === undefined ? globals.scriptUser : null;
  if (user !== null && /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$/.test(user.value)) keys.set("user", user);
  return { kind: "script", name, from, keys: new Map([["command", { value: command, from: statementOf }], ...keys]) };
}

/** A command whose program has an absolute path, as ours must have. */
export function absoluteCommand(
  script: string,
  from: Statement,
  findProgram: (name: string) => string | null,
  ledger: Ledger,
): string[] {
  const [program = "", ...rest] = splitCommand(script);
  if (program === "" || /\0/.test(script)) return [];
  if (program.startsWith("/")) return [program, ...rest];
  const found = program.includes("/") ? null : findProgram(program);
  if (found === null)
    ledger.note(
      { line: from.line },
      `${program} was not found here: its place is a guess`,
      "write where the program is",
    );
  return [found ?? `/usr/bin/${program.replace(/^.*\//, "")}`, ...rest];
}

function readProcess(name: string, from: Block, ledger: Ledger): Tracked {
  const process = (from.block ?? []).find((statement) => wordAt(statement, 0) === "process");
  const program = process === undefined ? "" : wordAt(process, 1);
  if (!/(^|\/)haproxy$/.test(program)) {
    ledger.leftOut(
      from,
      "processes of others are not watched",
      `a [[vrrp.script]] with command = ["/usr/bin/pgrep", "-x", "${program || "NAME"}"]`,
      true,
    );
    return { kind: "none", name, from };
  }
  const weighted = (from.block ?? []).find((statement) => wordAt(statement, 0) === "weight");
  const read = weighted === undefined ? null : readWeight(texts(weighted, 1));
  for (const statement of from.block ?? [])
    ledger.mark(statement.line, statement === process || statement === weighted ? "carried" : "default");
  return { kind: "proxy", name, from, said: `process ${program}`, ...(read ?? { weight: 0, reverse: false }) };
}

function readFile(name: string, from: Block, ledger: Ledger): Tracked {
  let path = "";
  let weight = { weight: 1, reverse: false };
  for (const statement of from.block ?? []) {
    const [word = "", value = "", ...rest] = texts(statement);
    if (word === "file") path = value;
    else if (word === "weight") weight = readWeight([value, ...rest]) ?? weight;
    else {
      ledger.leftOut(statement, "the file is only read", "write its first number before the start");
      continue;
    }
    ledger.mark(statement.line, "carried");
  }
  if (/^\/[^\p{Cc}]+$/u.test(path)) return { kind: "file", name, from, path, ...weight };
  ledger.leftOut(from, "it names no file by an absolute path", "", true);
  return { kind: "none", name, from };
}

const DEFAULTS: Readonly<Record<string, TomlValue>> = { interval: "1s", rise: 1, fall: 1 };

/** Writes the [[vrrp.script]] tables that somebody tracks. */
export function writeScripts(
  trackers: Trackers,
  instances: readonly Block[],
  groups: Groups,
  document: TomlDocument,
  ledger: Ledger,
): void {
  const lists = [...instances, ...groups.blocks].flatMap(({ block }) => block ?? []);
  const used = new Set(
    lists
      .filter((each) => /^track_(script|process|file)$/.test(wordAt(each, 0)))
      .flatMap((each) => names(each).map((name) => wordAt(name, 0))),
  );
  for (const tracker of trackers.values()) {
    if (!used.has(tracker.name) && tracker.kind !== "none") {
      ledger.mark(tracker.from.line, "default");
      ledger.note({ line: tracker.from.line }, "no instance tracks it: it is not written");
      for (const { line } of tracker.from.block ?? []) ledger.mark(line, "default");
      continue;
    }
    if (tracker.kind !== "script") {
      if (tracker.kind !== "none") ledger.mark(tracker.from.line, "carried");
      continue;
    }
    const table = document.table(["vrrp", "script"], true).from(tracker.from);
    table.set("name", tracker.name, tracker.from);
    for (const [key, { value, from }] of tracker.keys) {
      if (value === DEFAULTS[key]) ledger.mark(from.line, "default");
      else table.set(key, value, from);
    }
  }
}
