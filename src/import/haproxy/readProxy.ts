import type { Ledger } from "../ledger.ts";
import { type Statement, texts, wordAt } from "../source.ts";
import { readInt, readTimeMs } from "../units.ts";
import { HELD_OPTIONS, OPTIONS, PROXY_KEYWORDS, reasonFor } from "./leftOut.ts";
import type { Section } from "./sections.ts";
import type { Given, KeepaliveKey, ProxySection, Settings, TimeoutName, Values } from "./settings.ts";

const TIMEOUTS: Readonly<Record<string, TimeoutName>> = {
  connect: "connect",
  client: "client",
  clitimeout: "client",
  contimeout: "connect",
  srvtimeout: "server",
  server: "server",
  queue: "queue",
  check: "check",
  tunnel: "tunnel",
  "client-fin": "client_fin",
  "server-fin": "server_fin",
};

const CHECKS = new Set([
  "tcp-check",
  "redis-check",
  "smtpchk",
  "mysql-check",
  "pgsql-check",
  "ldap-check",
  "httpchk",
  "ssl-hello-chk",
  "external-check",
  "spop-check",
]);

/** Reads the statements of a section into `settings`, and of a proxy into its lists. */
export function readProxy(section: Section, settings: Settings, ledger: Ledger): ProxySection {
  const proxy: ProxySection = { section, settings, binds: [], servers: [], services: [] };
  for (const statement of section.statements) readStatement(proxy, statement, ledger);
  return proxy;
}

type Put = <K extends keyof Values>(key: K, value: Values[K]) => void;

function readStatement(proxy: ProxySection, statement: Statement, ledger: Ledger) {
  const { settings } = proxy;
  const negated = wordAt(statement, 0) === "no";
  const words = texts(statement, negated ? 1 : 0);
  const [keyword = "", first = ""] = words;
  const given: Given<null> = { value: null, from: statement, inherited: false };
  const set: Put = (key, value) => {
    settings.values[key] = { ...given, value } as (typeof settings.values)[typeof key];
  };
  const number = (key: "maxconn" | "backlog" | "retries") => {
    const value = readInt(first);
    if (value === null || value < 0) ledger.leftOut(statement, `"${first}" is not a number`);
    else set(key, value);
  };
  switch (keyword) {
    case "mode":
      return set("mode", first);
    case "bind":
      return void proxy.binds.push(statement);
    case "server":
      return void proxy.servers.push(statement);
    case "default-server":
      return void settings.defaultServers.push(given);
    case "balance":
      return set("balance", words.slice(1).join(" "));
    case "hash-type":
      return set("hashType", first);
    case "maxconn":
    case "backlog":
    case "retries":
      return number(keyword);
    case "redispatch":
      return set("redispatch", !negated);
    case "source":
      return readSource(statement, words, set, ledger);
    case "disabled":
    case "enabled":
      return set("disabled", keyword === "disabled");
    case "default_backend":
      return set("defaultBackend", first);
    case "use_backend":
      // Without a condition it is a default_backend that wins over the others.
      if (words.length === 2) return set("defaultBackend", first);
      settings.useBackends.push(given);
      return say(statement, keyword, PROXY_KEYWORDS, ledger);
    case "log":
      if (negated) settings.logs = [];
      else settings.logs.push({ ...given, value: words.slice(1) });
      return negated ? ledger.mark(statement.line, "default") : undefined;
    case "timeout":
      return readTimeout(statement, first, words[2] ?? "", settings, ledger);
    case "contimeout":
    case "clitimeout":
    case "srvtimeout":
      return readTimeout(statement, keyword, first, settings, ledger);
    case "tcp-check":
      return void settings.tcpChecks.push(given);
    case "http-check":
      return void settings.httpChecks.push(given);
    case "stats":
      return void settings.stats.push(given);
    case "option":
      return readOption(statement, words, negated, settings, set, ledger);
    case "http-request":
      if (words.includes("prometheus-exporter")) return void proxy.services.push(statement);
      return say(statement, keyword, PROXY_KEYWORDS, ledger);
    case "tcp-request":
      return readTcpRequest(statement, words, ledger);
  }
  const probes = /^(cli|srv)tcpka-(idle|intvl|cnt)$/.exec(keyword);
  if (probes !== null) return readKeepalive(statement, probes, first, settings, ledger);
  say(statement, keyword, PROXY_KEYWORDS, ledger);
}

function say(statement: Statement, keyword: string, known: typeof OPTIONS, ledger: Ledger): void {
  const { why, nearest, carriesTraffic } = reasonFor(keyword, known);
  ledger.leftOut(statement, why, nearest, carriesTraffic);
}

function readTimeout(statement: Statement, name: string, text: string, settings: Settings, ledger: Ledger) {
  const known = Object.hasOwn(TIMEOUTS, name) ? (TIMEOUTS[name] as TimeoutName) : null;
  if (known === null) {
    const why = /^(http|tarpit)/.test(name)
      ? "it concerns HTTP, which is not looked at here"
      : "there is no such timeout";
    return ledger.leftOut(statement, why);
  }
  const value = readTimeMs(text);
  if (value === null) return ledger.leftOut(statement, `"${text}" is not a time`, "HAProxy refuses the file for it");
  if (/^[0-9]+$/.test(text) && value > 0 && value < 100 && known !== "queue") {
    ledger.note({ line: statement.line }, `a number without a unit is in milliseconds: this is ${value} ms`);
  }
  settings.timeouts.set(known, { value, from: statement, inherited: false });
}

function readSource(statement: Statement, words: readonly string[], set: Put, ledger: Ledger) {
  const [, address = "", ...rest] = words;
  if (rest.includes("usesrc")) {
    return ledger.leftOut(
      statement,
      "servers see the address of this host: the client's own cannot be used",
      'send_proxy = "v2" of a server says it, if the server understands that',
      true,
    );
  }
  if (rest.includes("interface")) {
    ledger.partLeftOut(
      { line: statement.line, word: statement.words.at(-1) },
      "connections are not tied to an interface",
    );
  }
  set("source", address);
}

function readKeepalive(
  statement: Statement,
  [, side, what]: RegExpExecArray,
  text: string,
  settings: Settings,
  ledger: Ledger,
) {
  const key: KeepaliveKey = what === "idle" ? "idle" : what === "intvl" ? "interval" : "count";
  const value = key === "count" ? readInt(text) : readTimeMs(text, "s");
  if (value === null || value < 1) return ledger.leftOut(statement, `"${text}" is not a number that can be used`);
  settings.keepalive[side === "cli" ? "client" : "server"].set(key, { value, from: statement, inherited: false });
}

function readOption(
  statement: Statement,
  [, option = "", ...rest]: readonly string[],
  negated: boolean,
  settings: Settings,
  set: Put,
  ledger: Ledger,
) {
  switch (option) {
    case "redispatch":
      return set("redispatch", !negated && rest[0] !== "0");
    case "tcplog":
    case "dontlognull":
    case "clitcpka":
    case "srvtcpka":
      return set(option, !negated);
    case "httplog":
      return set("httplog", !negated);
    case "tcpka":
      set("clitcpka", !negated);
      return set("srvtcpka", !negated);
  }
  if (CHECKS.has(option)) {
    if (!negated) {
      settings.tcpChecks = [];
      return set("checkKind", [option, ...rest]);
    }
    delete settings.values.checkKind;
    return ledger.mark(statement.line, "default");
  }
  if (negated || HELD_OPTIONS.has(option)) return ledger.mark(statement.line, "default");
  say(statement, option, OPTIONS, ledger);
}

/** What accepts is what happens anyway. */
function readTcpRequest(statement: Statement, words: readonly string[], ledger: Ledger) {
  const [, stage, action] = words;
  const harmless = stage === "inspect-delay" || action === "accept" || (action ?? "").startsWith("capture");
  if (!harmless && !/^(track-|sc-|set-|unset-)/.test(action ?? ""))
    return say(statement, "tcp-request", PROXY_KEYWORDS, ledger);
  ledger.leftOut(statement, "connections are not judged by rules; this one alone refuses nobody");
}
