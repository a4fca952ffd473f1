import type { Ledger } from "../ledger.ts";
import { type Statement, texts, wordAt } from "../source.ts";
import type { TomlDocument, TomlValue } from "../toml.ts";
import { durationText, readInt, readTimeMs } from "../units.ts";
import { GLOBAL_KEYWORDS, HELD_GLOBALS, reasonFor } from "./leftOut.ts";
import type { Section } from "./sections.ts";

/** What [global] says beyond its own table. */
export interface Globals {
  readonly logs: readonly Statement[];
  readonly sockets: readonly Statement[];
  readonly tag: Statement | null;
  readonly hostname: Statement | null;
}

const ACCOUNT = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$/;

/** Writes [global] and gives what belongs to other tables. */
export function writeGlobals(sections: readonly Section[], document: TomlDocument, ledger: Ledger): Globals {
  const keys = new Map<string, { readonly value: TomlValue; readonly from: Statement }>();
  const logs: Statement[] = [];
  const sockets: Statement[] = [];
  let tag: Statement | null = null;
  let hostname: Statement | null = null;
  const put = (key: string, value: TomlValue | null, from: Statement) => {
    if (value === null) return ledger.leftOut(from, `"${wordAt(from, 1)}" is not a value that ${key} can have`);
    keys.set(key, { value, from });
  };
  const int = (statement: Statement, low: number, high: number) => {
    const value = readInt(wordAt(statement, 1));
    return value === null || value < low ? null : Math.min(value, high);
  };
  for (const { statements } of sections) {
    for (const statement of statements) {
      if (ledger.fateOf(statement.line) !== null) continue;
      const [word = "", value = ""] = texts(statement);
      const negated = word === "no";
      switch (word) {
        case "log":
          logs.push(statement);
          break;
        case "log-tag":
          tag = statement;
          break;
        case "log-send-hostname":
          hostname = statement;
          break;
        case "maxconn":
          put("maxconn", int(statement, 1, 1_000_000), statement);
          break;
        case "nbthread":
          put("threads", int(statement, 1, 64), statement);
          break;
        case "daemon":
          put("daemon", true, statement);
          break;
        case "user":
        case "group":
          put(word, ACCOUNT.test(value) ? value : null, statement);
          break;
        case "uid":
        case "gid":
          put(word, int(statement, 0, 4_294_967_294), statement);
          break;
        case "chroot":
        case "pidfile":
          put(word, /^\/[^\p{Cc}]+$/u.test(value) ? value : null, statement);
          break;
        case "hard-stop-after": {
          const ms = readTimeMs(value);
          put("hard_stop_after", ms === null || ms === 0 ? null : durationText(ms), statement);
          break;
        }
        case "spread-checks":
          put("spread_checks", int(statement, 0, 50), statement);
          break;
        case "stats":
          if (value === "socket") sockets.push(statement);
          else ledger.leftOut(statement, "the socket has no such setting");
          break;
        default:
          if (HELD_GLOBALS.has(negated ? value : word)) ledger.mark(statement.line, "default");
          else {
            const { why, nearest } = reasonFor(negated ? value : word, GLOBAL_KEYWORDS);
            ledger.leftOut(statement, why, nearest);
          }
      }
    }
  }
  // Ours refuses a name and a number of one account.
  for (const [name, id] of [
    ["user", "uid"],
    ["group", "gid"],
  ] as const) {
    const number = keys.get(id);
    if (keys.has(name) && number !== undefined) {
      ledger.mark(number.from.line, "default");
      keys.delete(id);
    }
  }
  const [first] = sections;
  if (first !== undefined && !keys.has("maxconn")) {
    ledger.differs(
      { line: first.header.line },
      "without maxconn HAProxy's limit is what its open files allow; here it is 4096",
      "maxconn of [global]",
    );
  }
  const order = [
    "maxconn",
    "threads",
    "daemon",
    "user",
    "uid",
    "group",
    "gid",
    "chroot",
    "pidfile",
    "hard_stop_after",
    "spread_checks",
  ];
  if (keys.size > 0) {
    const table = document.table(["global"]);
    for (const { header } of sections) table.from(header);
    for (const key of order) {
      const draft = keys.get(key);
      if (draft === undefined) continue;
      if (
        (key === "maxconn" && draft.value === 4096) ||
        (key === "hard_stop_after" && draft.value === "30s") ||
        (key === "spread_checks" && draft.value === 0)
      ) {
        ledger.mark(draft.from.line, "default");
      } else table.set(key, draft.value, draft.from);
    }
  } else for (const { header } of sections) ledger.mark(header.line, "default");
  return { logs, sockets, tag, hostname };
}

/** Writes [admin] from the first socket that may do everything. */
export function writeAdmin(sockets: readonly Statement[], document: TomlDocument, ledger: Ledger): void {
  let written = false;
  for (const statement of sockets) {
    const [, , raw = "", ...options] = texts(statement);
    const path = raw.replace(/^(unix|uxst)@/, "");
    const after = (name: string) => (options.includes(name) ? (options[options.indexOf(name) + 1] ?? null) : null);
    const level = after("level") ?? "operator";
    if (!/^\/[^\p{Cc}]{1,106}$/u.test(path)) {
      ledger.leftOut(statement, "the runtime API is on a unix socket", "socket of [admin]");
      continue;
    }
    if (written) {
      ledger.leftOut(statement, "there is one socket of the runtime API", "mode of [admin], to let others use it");
      continue;
    }
    if (
      level !== "admin" &&
      sockets.some((other) => other !== statement && texts(other).join(" ").includes("level admin"))
    ) {
      ledger.leftOut(
        statement,
        `a socket of the level ${level} is not there`,
        "socket of [admin], which may do everything",
      );
      continue;
    }
    if (level !== "admin")
      ledger.differs(
        { line: statement.line },
        `whoever may open it may do everything, not only what the level ${level} may`,
      );
    written = true;
    const table = document.table(["admin"]).set("socket", path, statement);
    const mode = after("mode");
    if (mode !== null && /^0?[0-7]{3}$/.test(mode)) table.set("mode", mode.padStart(4, "0"));
    const accounts = ["user", "group", "uid", "gid"].filter((name) => options.includes(name));
    if (accounts.length > 0)
      ledger.partLeftOut(
        { line: statement.line },
        `the socket belongs to the account of the service, not to a ${accounts.join(" and ")} of its own`,
        "mode of [admin]",
      );
  }
}
