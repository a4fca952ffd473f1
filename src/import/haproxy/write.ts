import type { Ledger } from "../ledger.ts";
import type { Statement } from "../source.ts";
import type { TomlDocument, TomlTable, TomlValue } from "../toml.ts";
import { durationText } from "../units.ts";
import type { KeyDraft, ListenDraft } from "./drafts.ts";
import type { ServerDraft } from "./servers.ts";

/** The order in which a listen's keys are written. */
const ORDER = [
  "balance",
  "log",
  "dontlognull",
  "maxconn",
  "backlog",
  "retries",
  "redispatch",
  "client_keepalive",
  "server_keepalive",
  "source",
];
const TIMEOUTS = ["connect", "client", "server", "queue", "tunnel", "client_fin", "server_fin"].map(
  (key) => `timeout.${key}`,
);

/** How a listen says that it has not what the defaults have; a key without one is not put under [defaults] unless all have it. */
const OVERRIDES: Readonly<Record<string, TomlValue>> = {
  balance: "roundrobin",
  log: "tcplog",
  dontlognull: false,
  retries: 3,
  redispatch: true,
  client_keepalive: false,
  server_keepalive: false,
  ...Object.fromEntries(TIMEOUTS.map((key) => [key, "none"])),
};

/** Values that a check has without being told. */
const CHECK_DEFAULTS: Readonly<Record<string, TomlValue>> = { interval: "2s", rise: 2, fall: 3, init_state: "up" };
const CHECK_ORDER = ["interval", "fast_interval", "down_interval", "rise", "fall", "timeout", "init_state"];

/** Writes [defaults] and every [listen.NAME]. */
export function writeListens(drafts: readonly ListenDraft[], document: TomlDocument, ledger: Ledger): void {
  // With one server there is nobody else to try: the word would only be noise.
  const alone = drafts.filter(({ servers }) => servers.length < 2);
  if (alone.length === drafts.filter(({ keys }) => keys.has("redispatch")).length) dropRedispatch(alone, ledger);
  const shared = sharedKeys(drafts);
  dropRedispatch(alone, ledger);
  const plain = ORDER.filter((key) => shared.has(key));
  if (plain.length > 0) writeKeys(document.table(["defaults"]), plain, shared, ledger);
  const timeouts = TIMEOUTS.filter((key) => shared.has(key));
  if (timeouts.length > 0) writeKeys(document.table(["defaults", "timeout"]), timeouts, shared, ledger);
  for (const draft of drafts) writeListen(draft, document, ledger);
}

function dropRedispatch(drafts: readonly ListenDraft[], ledger: Ledger): void {
  for (const { keys } of drafts) {
    const from = keys.get("redispatch")?.from;
    if (from != null) ledger.mark(from.line, "default");
    keys.delete("redispatch");
  }
}

/** Takes out of the drafts what is better said under [defaults]. */
function sharedKeys(drafts: readonly ListenDraft[]): Map<string, KeyDraft> {
  const shared = new Map<string, KeyDraft>();
  for (const key of [...ORDER, ...TIMEOUTS]) {
    const groups = new Map<string, KeyDraft[]>();
    for (const { keys } of drafts) {
      const draft = keys.get(key);
      if (draft?.inherited !== true) continue;
      const text = JSON.stringify(draft.value);
      groups.set(text, [...(groups.get(text) ?? []), draft]);
    }
    const [most] = [...groups.values()].sort((a, b) => b.length - a.length);
    const lacking = drafts.filter(({ keys }) => !keys.has(key));
    const [first] = most ?? [];
    if (most === undefined || first === undefined) continue;
    if (lacking.length > 0 && (!Object.hasOwn(OVERRIDES, key) || lacking.length >= most.length)) continue;
    shared.set(key, first);
    const value = JSON.stringify(first.value);
    for (const { keys } of drafts) {
      const own = keys.get(key);
      if (own === undefined)
        keys.set(key, { value: OVERRIDES[key] as TomlValue, from: null, inherited: false, notes: [] });
      else if (JSON.stringify(own.value) === value) keys.delete(key);
    }
  }
  return shared;
}

function writeKeys(
  table: TomlTable,
  keys: readonly string[],
  drafts: ReadonlyMap<string, KeyDraft>,
  ledger: Ledger,
): void {
  for (const key of keys) {
    const draft = drafts.get(key);
    if (draft === undefined) continue;
    if (draft.from !== null) ledger.mark(draft.from.line, "carried");
    table.set(key.replace(/^timeout\./, ""), draft.value, draft.from, draft.notes);
  }
}

function writeListen(draft: ListenDraft, document: TomlDocument, ledger: Ledger): void {
  const { name, keys } = draft;
  const table = document.table(["listen", name]);
  for (const header of draft.headers) table.from(header);
  const binds = draft.binds.map(({ address }) => address);
  const [first, ...others] = draft.binds;
  table.set("bind", binds.length === 1 ? (binds[0] as string) : binds, first?.from ?? null);
  for (const { from } of others) table.adopt(from);
  writeKeys(table, ORDER, keys, ledger);
  const timeouts = TIMEOUTS.filter((key) => keys.has(key));
  if (timeouts.length > 0) writeKeys(document.table(["listen", name, "timeout"]), timeouts, keys, ledger);
  const common = writeCheck(draft, document, ledger);
  const handed = writeDefaultServer(draft, document);
  const sorted = draft.keys.get("balance")?.value === "first" ? byId(draft.servers, ledger) : draft.servers;
  for (const server of sorted) writeServer(server, draft, common, handed, document);
}

/** Balance first goes by the servers' numbers: here, by their order. */
function byId(servers: readonly ServerDraft[], ledger: Ledger): readonly ServerDraft[] {
  if (servers.every(({ id }) => id === null)) return servers;
  // Without a number of its own a server has the next free one.
  const numbers = servers.map(({ id }, index) => id ?? index + 1);
  const sorted = servers
    .map((server, index) => ({ server, number: numbers[index] as number }))
    .sort((a, b) => a.number - b.number);
  const moved = sorted.find(({ server }, index) => server !== servers[index]);
  if (moved !== undefined)
    ledger.note({ line: moved.server.from.line }, "balance first goes by id: the servers stand in its order here");
  return sorted.map(({ server }) => server);
}

/** Writes [listen.NAME.check]; the keys that servers need not repeat, or null when no server is checked. */
function writeCheck(draft: ListenDraft, document: TomlDocument, ledger: Ledger): ReadonlyMap<string, TomlValue> | null {
  const checked = draft.servers.filter(({ checked }) => checked);
  const [first] = checked;
  if (first === undefined) return null;
  const common = new Map(
    [...first.check].filter(([key, value]) =>
      checked.every((server) => JSON.stringify(server.check.get(key)) === JSON.stringify(value)),
    ),
  );
  const table = document.table(["listen", draft.name, "check"]);
  for (const key of CHECK_ORDER) {
    const value = common.get(key);
    const origin = first.defaults.get(key);
    if (value !== undefined && value !== CHECK_DEFAULTS[key]) table.set(key, value, origin ?? null);
    if (key === "timeout" && draft.checkTimeout !== null) {
      const { value: ms, from } = draft.checkTimeout;
      if (ms > 0) table.set("timeout", durationText(ms), from);
      else ledger.mark(from.line, "default");
    }
  }
  const { keys, statements, comment } = draft.check;
  if (comment !== "") table.sayInside(comment);
  const [from, ...others] = statements;
  let source: Statement | null = from ?? null;
  for (const [key, value] of keys) {
    if (key === "step") {
      for (const each of statements) table.adopt(each);
      for (const step of value as readonly { [key: string]: TomlValue }[]) {
        const row = document.table(["listen", draft.name, "check", "step"], true);
        for (const [word, argument] of Object.entries(step)) row.set(word, argument);
      }
    } else table.set(key, value, source);
    source = others.at(-1) ?? null;
  }
  for (const each of statements) table.adopt(each);
  if (table.isEmpty && keys.size === 0) table.sayInside("a completed connection is enough");
  return common;
}

const SERVER_ORDER = [
  "weight",
  "maxconn",
  "backup",
  "disabled",
  "check_port",
  "check_address",
  "slowstart",
  "send_proxy",
  "on_marked_down",
  "on_marked_up",
  "observe",
  "error_limit",
  "on_error",
  "source",
  "init_addr",
];
const SERVER_DEFAULTS: Readonly<Record<string, TomlValue>> = {
  weight: 1,
  error_limit: 10,
  on_error: "fail-check",
  init_addr: "libc",
  slowstart: "0s",
};

/** Writes what a default-server hands to all servers alike; those keys. */
function writeDefaultServer(draft: ListenDraft, document: TomlDocument): ReadonlySet<string> {
  const { servers } = draft;
  const [first] = servers;
  if (first === undefined || servers.length < 2) return new Set();
  const alike = SERVER_ORDER.filter((key) => {
    const value = first.keys.get(key);
    return (
      value !== undefined &&
      value !== SERVER_DEFAULTS[key] &&
      servers.every(({ keys, defaults }) => keys.get(key) === value && defaults.has(key))
    );
  });
  if (alike.length === 0) return new Set();
  const table = document.table(["listen", draft.name, "default_server"]);
  for (const key of alike) table.set(key, first.keys.get(key) as TomlValue, first.defaults.get(key) ?? null);
  return new Set(alike);
}

function writeServer(
  server: ServerDraft,
  draft: ListenDraft,
  common: ReadonlyMap<string, TomlValue> | null,
  handed: ReadonlySet<string>,
  document: TomlDocument,
): void {
  const table = document.table(["listen", draft.name, "server"], true).from(server.from);
  table.set("name", server.name).set("address", server.address, server.from);
  for (const key of SERVER_ORDER) {
    const value = server.keys.get(key);
    if (value === undefined || handed.has(key)) continue;
    if (value === SERVER_DEFAULTS[key]) continue;
    table.set(key, value);
  }
  for (const from of server.defaults.values()) table.adopt(from);
  if (common === null) return;
  if (!server.checked) {
    table.set("check", false);
    return;
  }
  const own = [...server.check].filter(([key, value]) => !common.has(key) && value !== CHECK_DEFAULTS[key]);
  if (own.length > 0) table.set("check", Object.fromEntries(own));
}
