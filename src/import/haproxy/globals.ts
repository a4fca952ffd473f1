import type { Ledger } from "../ledger.ts";
import { type Statement, texts, wordAt } from "../source.ts";
import type { TomlDocument, TomlValue } from "../toml.ts";
import { durationText, readInt, readTimeMs } from "../units.ts";
import { endpointText, readAddress } from "./address.ts";
import { GLOBAL_KEYWORDS, HELD_GLOBALS, reasonFor } from "./leftOut.ts";
import type { Section } from "./sections.ts";
import type { Variables } from "./words.ts";

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

/** Writes [admin]: a unix socket, the addresses of this host alone, and what their clients may do. */
export function writeAdmin(
  sockets: readonly Statement[],
  variables: Variables,
  document: TomlDocument,
  ledger: Ledger,
): void {
  const keys = new Map<string, { value: TomlValue; from: Statement }>();
  const binds: string[] = [];
  for (const statement of sockets) {
    const [, , raw = "", ...options] = texts(statement);
    const address = readAddress(raw, variables);
    const after = (name: string) => (options.includes(name) ? (options[options.indexOf(name) + 1] ?? null) : null);
    const given = after("level") ?? "operator";
    const level = /^(user|operator|admin)$/.test(given) ? given : "operator";
    if (address.kind === "unix" && /^\/[^\p{Cc}]{1,106}$/u.test(address.path) && !keys.has("socket")) {
      keys.set("socket", { value: address.path, from: statement });
      if (level !== "admin") keys.set("level", { value: level, from: statement });
      const mode = after("mode");
      if (mode !== null && /^0?[0-7]{3}$/.test(mode))
        keys.set("mode", { value: mode.padStart(4, "0"), from: statement });
    } else if (address.kind === "tcp" && /^(127\.[0-9.]+|::1)$/.test(address.host) && address.ports?.kind === "range") {
      const text = endpointText(address.host, address.ports.low);
      const before = keys.get("bind_level")?.value ?? level;
      if (binds.includes(text) || before !== level) {
        ledger.leftOut(statement, "addresses of the runtime API have one level in common, and each is there once");
        continue;
      }
      binds.push(text);
      keys.set("bind", { value: [...binds], from: statement });
      keys.set("bind_level", { value: level, from: statement });
      ledger.mark(statement.line, "carried");
    } else {
      const why =
        address.kind === "tcp"
          ? "the runtime API has no passwords: no other host may reach it"
          : "there is one unix socket of the runtime API";
      ledger.leftOut(statement, why, "socket and bind of [admin]");
      continue;
    }
    const accounts = ["user", "group", "uid", "gid"].filter((name) => options.includes(name));
    if (accounts.length > 0) {
      const why = `the socket belongs to the account of the service, not to a ${accounts.join(" and ")} of its own`;
      ledger.partLeftOut({ line: statement.line }, why, "mode of [admin]");
    }
  }
  if (keys.size === 0) return;
  if (keys.get("bind_level")?.value === "user") keys.delete("bind_level");
  const table = document.table(["admin"]);
  for (const key of ["socket", "mode", "level", "bind", "bind_level"]) {
    const draft = keys.get(key);
    if (draft !== undefined) table.set(key, draft.value, draft.from);
  }
}
