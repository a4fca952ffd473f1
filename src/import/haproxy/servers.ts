import type { Ledger } from "../ledger.ts";
import { lookUp, type Statement, texts } from "../source.ts";
import type { TomlValue } from "../toml.ts";
import { durationText, readInt, readTimeMs } from "../units.ts";
import { endpointText, readAddress } from "./address.ts";
import { FLAGS_HELD, IGNORED, OTHER_CONNECTION, REASONS } from "./serverWords.ts";
import type { Variables } from "./words.ts";

/** What a server's words come to. */
export interface ServerDraft {
  readonly name: string;
  readonly address: string;
  readonly from: Statement;
  /** `id`, which balance first goes by; null: none. */
  readonly id: number | null;
  readonly checked: boolean;
  /** Keys of the server, our names. */
  readonly keys: ReadonlyMap<string, TomlValue>;
  /** Keys of its check. */
  readonly check: ReadonlyMap<string, TomlValue>;
  /** The default-server that a key comes from. */
  readonly defaults: ReadonlyMap<string, Statement>;
}

interface Options {
  checked: boolean;
  id: number | null;
  /** Why the server cannot be carried over at all; null: it can. */
  fatal: string | null;
  keys: Map<string, TomlValue>;
  check: Map<string, TomlValue>;
  defaults: Map<string, Statement>;
}

/** Reads the options of a server or default-server into `options`. */
function readOptions(
  statement: Statement,
  from: number,
  options: Options,
  isDefault: boolean,
  variables: Variables,
  ledger: Ledger,
): void {
  const words = texts(statement, from);
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    const argument = words[at + 1] ?? "";
    const place = { line: statement.line, word: statement.words[at + from] };
    const put = (
      map: Map<string, TomlValue>,
      key: string,
      value: TomlValue | null,
      why = `"${argument}" is not a value of ${word}`,
    ) => {
      at++;
      if (value === null) return ledger.partLeftOut(place, why);
      map.set(key, value);
      if (isDefault) options.defaults.set(key, statement);
      else options.defaults.delete(key);
    };
    const flag = (key: string, value: TomlValue | null) => {
      if (value === null) options.keys.delete(key);
      else options.keys.set(key, value);
      if (isDefault) options.defaults.set(key, statement);
      else options.defaults.delete(key);
    };
    const int = (low: number, high: number) => {
      const value = readInt(argument);
      return value === null || value < low || value > high ? null : value;
    };
    const time = (low: number, high = 86_400_000) => {
      const value = readTimeMs(argument);
      return value === null ? null : durationText(value, low, high);
    };
    const { keys, check } = options;
    switch (word) {
      case "check":
        options.checked = true;
        break;
      case "no-check":
        options.checked = false;
        break;
      case "inter":
        put(check, "interval", time(10));
        break;
      case "fastinter":
        put(check, "fast_interval", time(10));
        break;
      case "downinter":
        put(check, "down_interval", time(10));
        break;
      case "rise":
        put(check, "rise", int(1, 100));
        break;
      case "fall":
        put(check, "fall", int(1, 100));
        break;
      case "init-state":
        put(check, "init_state", /^(fully-)?(up|down)$/.test(argument) ? argument : null);
        break;
      case "port":
        put(keys, "check_port", int(1, 65535));
        break;
      case "addr":
        put(
          keys,
          "check_address",
          /^[0-9.]+$|^[0-9a-fA-F:]+$/.test(argument) ? argument : null,
          "only an IP address can be checked",
        );
        break;
      case "weight":
        put(keys, "weight", int(0, 256));
        break;
      case "maxconn":
        // HAProxy's 0 is no limit.
        if (argument === "0") {
          flag("maxconn", null);
          at++;
        } else put(keys, "maxconn", int(1, 1_000_000));
        break;
      case "slowstart":
        put(keys, "slowstart", time(0));
        break;
      case "backup":
        flag("backup", true);
        break;
      case "no-backup":
        flag("backup", null);
        break;
      case "disabled":
        flag("disabled", true);
        break;
      case "send-proxy":
        flag("send_proxy", "v1");
        break;
      case "send-proxy-v2":
      case "send-proxy-v2-ssl":
      case "send-proxy-v2-ssl-cn":
        flag("send_proxy", "v2");
        if (word !== "send-proxy-v2") ledger.partLeftOut(place, ...(REASONS[word] as [string, string]));
        break;
      case "no-send-proxy":
      case "no-send-proxy-v2":
        flag("send_proxy", null);
        break;
      case "check-send-proxy":
        break;
      case "on-marked-down":
        put(keys, "on_marked_down", argument === "shutdown-sessions" ? argument : null);
        break;
      case "on-marked-up":
        put(keys, "on_marked_up", argument === "shutdown-backup-sessions" ? argument : null);
        break;
      case "observe":
        put(keys, "observe", argument === "layer4" ? argument : null, "only layer4 is observed: HTTP is not looked at");
        break;
      case "error-limit":
        put(keys, "error_limit", int(1, 1_000_000));
        break;
      case "on-error":
        put(keys, "on_error", /^(fastinter|fail-check|sudden-death|mark-down)$/.test(argument) ? argument : null);
        break;
      case "init-addr":
        put(keys, "init_addr", argument.split(",").includes("none") ? "none" : "libc");
        break;
      case "id":
        options.id = int(1, 2_147_483_647);
        at++;
        break;
      case "source":
        at = readSource(words, at, place, options, variables, ledger);
        break;
      case "track":
        options.checked = true;
        ledger.partLeftOut(
          place,
          `the health of ${argument} is not taken over: this server is checked itself`,
          "check with check_port",
        );
        at++;
        break;
      default:
        at += leaveOut(word, place, options, ledger);
    }
  }
}

/** Leaves a word out; how many words it takes along. */
function leaveOut(word: string, place: Parameters<Ledger["partLeftOut"]>[0], options: Options, ledger: Ledger): number {
  if (FLAGS_HELD.has(word)) return 0;
  if (Object.hasOwn(OTHER_CONNECTION, word)) {
    if (word === "ssl") options.fatal = "TLS to servers is not spoken here: without it the server would not understand";
    else if (word !== "check-ssl") options.fatal = `connections cannot be made by ${word}`;
    else ledger.partLeftOut(place, "checks do not speak TLS: a completed connection counts");
    return OTHER_CONNECTION[word] as number;
  }
  const [why, nearest] = lookUp(REASONS, word) ?? [
    Object.hasOwn(IGNORED, word) ? `${word} has no counterpart here` : `nothing is known of "${word}" here`,
    "",
  ];
  // Half of a TLS server is named with the server itself.
  if (options.fatal === null) ledger.partLeftOut(place, why, nearest);
  return lookUp(IGNORED, word) ?? 0;
}

function readSource(
  words: readonly string[],
  at: number,
  place: Parameters<Ledger["partLeftOut"]>[0],
  options: Options,
  variables: Variables,
  ledger: Ledger,
): number {
  const address = readAddress(words[at + 1] ?? "", variables);
  let last = at + 1;
  if (words[last + 1] === "usesrc") {
    ledger.partLeftOut(
      place,
      "servers see the address of this host: the client's own cannot be used",
      'send_proxy = "v2", if the server understands that',
      true,
    );
    return last + 2;
  }
  if (words[last + 1] === "interface") {
    ledger.partLeftOut(place, "connections are not tied to an interface");
    last += 2;
  }
  const known = address.kind === "tcp" && address.host !== "" && address.family !== 0;
  if (known) options.keys.set("source", address.host);
  if (!known || address.ports !== null)
    ledger.partLeftOut(place, "only an IP address can be the source; its port is the kernel's choice");
  return last;
}

/**
 * Reads a server with what default-server hands it.
 * @param port the only port that the listen is bound to, which a server without one has; null: there are several, or none
 */
export function readServer(
  statement: Statement,
  defaultServers: readonly Statement[],
  port: number | null,
  variables: Variables,
  ledger: Ledger,
): ServerDraft | null {
  const options: Options = {
    checked: false,
    id: null,
    fatal: null,
    keys: new Map(),
    check: new Map(),
    defaults: new Map(),
  };
  for (const each of defaultServers) readOptions(each, 1, options, true, variables, ledger);
  readOptions(statement, 3, options, false, variables, ledger);
  const [, name = "", raw = ""] = texts(statement);
  const refuse = (why: string, nearest = "") => {
    ledger.leftOut(statement, why, nearest, true);
    return null;
  };
  if (options.fatal !== null) return refuse(options.fatal, "a TCP proxy that speaks it beside this one");
  const address = readAddress(raw, variables);
  switch (address.kind) {
    case "refused":
      return refuse(address.why);
    case "fd":
      return refuse("a server has an address");
    case "unix":
      return draft(name, `unix:${address.path}`, statement, options, ledger);
  }
  if (address.host === "" || address.host === "0.0.0.0" || address.host === "::") {
    return refuse("connections are not passed on to where they were meant to go", "the server's own address");
  }
  const { ports } = address;
  if (ports?.kind === "range" && ports.low !== ports.high) return refuse("a server has one port");
  const target =
    ports === null ? port : ports.kind === "range" ? ports.low : port === null ? null : port + ports.offset;
  if (target === null || target < 1 || target > 65535) {
    return refuse("it has no port of its own, and the listen has not one alone to take", "the server's own port");
  }
  return draft(name, endpointText(address.host, target), statement, options, ledger);
}

function draft(name: string, address: string, from: Statement, options: Options, ledger: Ledger): ServerDraft | null {
  if (!/^[A-Za-z0-9_.:-]{1,64}$/.test(name)) {
    ledger.leftOut(from, "its name has characters that a name cannot have, or more than 64", "another name", true);
    return null;
  }
  if (
    options.keys.get("check_port") === undefined &&
    options.keys.get("check_address") !== undefined &&
    address.startsWith("unix:")
  ) {
    options.keys.delete("check_address");
  }
  if (address.startsWith("unix:")) options.keys.delete("source");
  return {
    name,
    address,
    from,
    id: options.id,
    checked: options.checked,
    keys: options.keys,
    check: options.check,
    defaults: options.defaults,
  };
}
