import type { Ledger } from "../ledger.ts";
import type { Statement } from "../source.ts";
import type { TomlValue } from "../toml.ts";
import { durationText, readInt } from "../units.ts";
import { readAddress } from "./address.ts";
import type { BindDraft, Binds } from "./binds.ts";
import { type CheckScript, readCheck } from "./checks.ts";
import { readServer, type ServerDraft } from "./servers.ts";
import type { Given, ProxySection, TimeoutName } from "./settings.ts";
import type { Variables } from "./words.ts";

/** A key of a listen. */
export interface KeyDraft {
  readonly value: TomlValue;
  readonly from: Statement | null;
  /** It comes from a section of defaults, and may stand under [defaults]. */
  readonly inherited: boolean;
  readonly notes: readonly string[];
}

/** A listen before it is written. Keys with a dot stand in a table below. */
export interface ListenDraft {
  readonly name: string;
  /** Headers of the sections that it is made of. */
  readonly headers: readonly Statement[];
  readonly binds: readonly BindDraft[];
  readonly keys: Map<string, KeyDraft>;
  readonly check: CheckScript;
  /** `timeout check`. */
  readonly checkTimeout: Given<number> | null;
  readonly servers: readonly ServerDraft[];
}

const BALANCE = new Set(["roundrobin", "static-rr", "leastconn", "first", "source", "random"]);
export const REDISPATCH_NOTE =
  "as HAProxy does unless told otherwise, a retry goes to the same server; true tries another one";

/** Puts together what clients see (`front`) and what is behind it (`back`); for a listen both are the same. */
export function draftListen(
  name: string,
  front: ProxySection,
  back: ProxySection,
  { addresses, backlog }: Binds,
  variables: Variables,
  ledger: Ledger,
): ListenDraft {
  const keys = new Map<string, KeyDraft>();
  const put = (key: string, value: TomlValue, from: Statement | null, inherited: boolean, ...notes: string[]) =>
    keys.set(key, { value, from, inherited, notes });
  const [theirs, ours] = [front.settings, back.settings];
  const ports = new Set(addresses.flatMap(({ address }) => /:([0-9]+)$/.exec(address)?.[1] ?? []));
  const port = ports.size === 1 ? Number([...ports][0]) : null;
  const all = back.servers.flatMap(
    (each) =>
      readServer(
        each,
        ours.defaultServers.map(({ from }) => from),
        port,
        variables,
        ledger,
      ) ?? [],
  );
  const servers = all.filter(({ name: each, from }, index) => {
    const isFirst = all.findIndex((other) => other.name === each) === index;
    if (!isFirst) ledger.leftOut(from, `there is a server "${each}" in this listen already`, "another name", true);
    return isFirst;
  });

  const balance = ours.values.balance;
  const algorithm = readBalance(balance, ours.values.hashType, ledger);
  if (balance !== undefined) {
    if (algorithm === "roundrobin") ledger.mark(balance.from.line, "default");
    else put("balance", algorithm, balance.from, balance.inherited);
  }
  readLogging(front, put, ledger);
  const nulls = theirs.values.dontlognull;
  if (nulls?.value === true) put("dontlognull", true, nulls.from, nulls.inherited);
  else if (nulls !== undefined) ledger.mark(nulls.from.line, "default");
  limit("maxconn", theirs.values.maxconn, 1_000_000);
  if (backlog !== null) put("backlog", backlog.value, backlog.from, false);
  else limit("backlog", theirs.values.backlog, 65_535);
  const retries = ours.values.retries;
  if (retries !== undefined && retries.value !== 3)
    put("retries", Math.min(100, retries.value), retries.from, retries.inherited);
  else if (retries !== undefined) ledger.mark(retries.from.line, "default");
  const redispatch = ours.values.redispatch;
  if (redispatch?.value === true) {
    ledger.mark(redispatch.from.line, "default");
    if (algorithm === "source") {
      ledger.differs(
        { line: redispatch.from.line },
        "the first retry goes to another server; with a hash HAProxy's last one does",
      );
    }
  } else put("redispatch", false, redispatch?.from ?? null, redispatch?.inherited ?? true, REDISPATCH_NOTE);
  timeout("connect", ours.timeouts.get("connect"));
  timeout("client", theirs.timeouts.get("client"));
  timeout("server", ours.timeouts.get("server"));
  timeout("queue", ours.timeouts.get("queue"));
  timeout("tunnel", ours.timeouts.get("tunnel"));
  timeout("client_fin", theirs.timeouts.get("client_fin"));
  timeout("server_fin", ours.timeouts.get("server_fin"));
  readKeepalive("client", front, put, ledger);
  readKeepalive("server", back, put, ledger);
  readSourceKey(ours.values.source);
  const anyChecked = servers.some(({ checked }) => checked);
  const check = readCheck(ours, ledger);
  const checkTimeout = ours.timeouts.get("check") ?? null;
  if (!anyChecked) {
    for (const { line } of check.statements) ledger.mark(line, "default");
    if (checkTimeout !== null) ledger.mark(checkTimeout.from.line, "default");
  }
  const headers = front === back ? [front.section.header] : [front.section.header, back.section.header];
  return { name, headers, binds: addresses, keys, check, checkTimeout, servers };

  function limit(key: "maxconn" | "backlog", given: Given<number> | undefined, most: number): void {
    if (given === undefined) return;
    // HAProxy's 0 is the default.
    if (given.value === 0) ledger.mark(given.from.line, "default");
    else put(key, Math.min(most, given.value), given.from, given.inherited);
  }

  function timeout(key: TimeoutName, given: Given<number> | undefined): void {
    if (given === undefined) return;
    if (given.value === 0) ledger.mark(given.from.line, "default");
    else put(`timeout.${key}`, durationText(given.value), given.from, given.inherited);
  }

  function readSourceKey(given: Given<string> | undefined): void {
    if (given === undefined) return;
    const address = readAddress(given.value, variables);
    const known = address.kind === "tcp" && address.family !== 0 && !["", "0.0.0.0", "::"].includes(address.host);
    const foreign = servers.some(
      (server) => server.address.startsWith("unix:") || (known && isOfOtherFamily(server.address, address.family)),
    );
    if (known && foreign)
      ledger.partLeftOut(
        { line: given.from.line },
        "not every server can be reached from this address",
        "source of the servers that can",
      );
    else if (known) put("source", address.host, given.from, given.inherited);
    if (!known || address.ports !== null)
      ledger.partLeftOut(
        { line: given.from.line },
        "only an IP address can be the source; its port is the kernel's choice",
      );
  }
}

/** True for an IP literal of the other family; a name may have either. */
export function isOfOtherFamily(address: string, family: 4 | 6 | 0): boolean {
  const version = address.startsWith("[") ? 6 : /^[0-9.]+:/.test(address) ? 4 : 0;
  return version !== 0 && family !== 0 && version !== family;
}

type Put = (key: string, value: TomlValue, from: Statement | null, inherited: boolean, ...notes: string[]) => unknown;

function readBalance(given: Given<string> | undefined, hashType: Given<string> | undefined, ledger: Ledger): string {
  const word = /^[a-z_-]+/.exec(given?.value ?? "roundrobin")?.[0] ?? "";
  if (hashType !== undefined && given?.value !== "source") ledger.mark(hashType.from.line, "default");
  if (given === undefined) return "roundrobin";
  const place = { line: given.from.line };
  if (word === "source") {
    if (hashType !== undefined) ledger.mark(hashType.from.line, "default");
    ledger.differs(
      place,
      "the hash is another one: a client keeps to one server, but maybe not to HAProxy's; few clients move when a server goes",
    );
    return word;
  }
  if (word === "random") {
    const draws = readInt(/\((-?[0-9]+)\)/.exec(given.value)?.[1] ?? "2");
    if (draws !== 2) ledger.differs(place, "two servers are drawn and the less busy one is taken");
    return word;
  }
  if (BALANCE.has(word)) return word;
  if (/^hash\s+src\b/.test(given.value)) {
    ledger.differs(place, "the whole address of the client is hashed, by another hash");
    return "source";
  }
  ledger.partLeftOut(
    place,
    `servers cannot be chosen by ${given.value}: they take turns`,
    'balance = "source" for a hash of the client',
  );
  return "roundrobin";
}

/** What a proxy logs, and whether it does. */
function readLogging({ section, settings }: ProxySection, put: Put, ledger: Ledger): void {
  const { tcplog, httplog } = settings.values;
  if (settings.logs.length === 0) {
    if (tcplog !== undefined) ledger.mark(tcplog.from.line, "default");
    put("log", "off", null, true, "there is no log line for it");
    return;
  }
  if (tcplog?.value === true) {
    ledger.mark(tcplog.from.line, "default");
    if (httplog !== undefined)
      ledger.leftOut(
        httplog.from,
        "its line is for mode http; the listens here have tcplog",
        'log = "halog" for reports of halog',
      );
    return;
  }
  if (httplog?.value === true) {
    ledger.differs({ line: httplog.from.line }, "in mode tcp HAProxy falls back to tcplog, and so it is here");
    ledger.mark(httplog.from.line, "default");
    return;
  }
  ledger.differs(
    { line: section.header.line },
    "without option tcplog HAProxy logs the beginning of a connection; here its end is logged, as tcplog",
  );
}

function readKeepalive(side: "client" | "server", { settings }: ProxySection, put: Put, ledger: Ledger): void {
  const on = settings.values[side === "client" ? "clitcpka" : "srvtcpka"];
  const keys = settings.keepalive[side];
  for (const { from } of keys.values()) ledger.mark(from.line, on?.value === true ? "carried" : "default");
  if (on?.value === false) ledger.mark(on.from.line, "default");
  if (on?.value !== true) return;
  const table: { [key: string]: TomlValue } = {};
  for (const key of ["idle", "interval"] as const) {
    const given = keys.get(key);
    if (given !== undefined) table[key] = durationText(Math.ceil(given.value / 1000) * 1000, 1000, 32_767_000);
  }
  const count = keys.get("count");
  if (count !== undefined) table.count = Math.min(127, count.value);
  put(`${side}_keepalive`, Object.keys(table).length === 0 ? true : table, on.from, on.inherited);
}
