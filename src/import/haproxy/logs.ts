import { FACILITIES, LEVELS } from "../../core/syslogCodes.ts";
import type { Ledger } from "../ledger.ts";
import { type Statement, texts } from "../source.ts";
import type { TomlDocument, TomlValue } from "../toml.ts";
import { readInt } from "../units.ts";
import { endpointText, readAddress } from "./address.ts";
import type { Globals } from "./globals.ts";
import type { ProxySection } from "./settings.ts";
import type { Variables } from "./words.ts";

interface LogDraft {
  readonly keys: ReadonlyMap<string, TomlValue>;
  readonly from: Statement;
}

/** Writes [[log]]: the places of [global], and those that proxies name themselves. */
export function writeLogs(
  globals: Globals,
  proxies: readonly ProxySection[],
  variables: Variables,
  document: TomlDocument,
  ledger: Ledger,
): void {
  const own = new Map<string, Statement>();
  for (const { settings } of proxies) {
    for (const { value, from } of settings.logs) {
      if (value[0] === "global") ledger.mark(from.line, "carried");
      else own.set(`${from.line.file}\n${from.line.number}`, from);
    }
  }
  const drafts = new Map<string, LogDraft>();
  for (const statement of [...globals.logs, ...own.values()]) {
    const keys = readLog(statement, variables, ledger);
    if (keys === null) continue;
    const text = JSON.stringify([...keys]);
    if (drafts.has(text)) ledger.mark(statement.line, "carried");
    else drafts.set(text, { keys, from: statement });
  }
  const tag = globals.tag === null ? null : readTag(globals.tag, ledger);
  const hostname = globals.hostname === null ? null : (texts(globals.hostname)[1] ?? null);
  if (globals.hostname !== null)
    ledger.mark(globals.hostname.line, hostname === null || drafts.size === 0 ? "default" : "carried");
  for (const { keys, from } of drafts.values()) {
    const table = document.table(["log"], true);
    let first = true;
    for (const [key, value] of keys) {
      table.set(key, value, first ? from : null);
      first = false;
    }
    if (tag !== null && globals.tag !== null) table.set("tag", tag, globals.tag);
    if (hostname !== null) table.set("hostname", hostname, globals.hostname);
  }
  if (own.size > 0 && proxies.length > 1 && new Set(proxies.map(logsOf)).size > 1) {
    for (const from of own.values())
      ledger.differs({ line: from.line }, "what all listens log goes to every [[log]]", 'log = "off" of a listen');
  }
}

function logsOf({ settings }: ProxySection): string {
  return JSON.stringify(settings.logs.map(({ value }) => value));
}

function readTag(statement: Statement, ledger: Ledger): string | null {
  const [, tag = ""] = texts(statement);
  if (/^[A-Za-z0-9_./-]{1,48}$/.test(tag)) return tag;
  ledger.leftOut(statement, "it has characters that a tag cannot have");
  return null;
}

/** `log ADDRESS [len N] [format F] [sample …] FACILITY [LEVEL [MINLEVEL]]`. */
function readLog(statement: Statement, variables: Variables, ledger: Ledger): Map<string, TomlValue> | null {
  const [, raw = "", ...rest] = texts(statement);
  const keys = new Map<string, TomlValue>();
  const place = logPlace(raw, variables);
  if (typeof place !== "object") {
    ledger.leftOut(statement, place, '"IP:PORT" of a syslog server (UDP), "/dev/log", "stdout" or "stderr"');
    return null;
  }
  keys.set("address", place.address);
  const part = (index: number, why: string) =>
    ledger.partLeftOut({ line: statement.line, word: statement.words[index + 2] }, why);
  let at = 0;
  for (; at < rest.length; at += 2) {
    const word = rest[at] as string;
    const value = rest[at + 1] ?? "";
    if (word === "len") {
      const bytes = readInt(value);
      if (bytes !== null && bytes !== 1024) keys.set("max_length", Math.min(65_535, Math.max(80, bytes)));
    } else if (word === "format") {
      if (value === "rfc5424") keys.set("format", value);
      else if (value !== "rfc3164" && value !== "local") {
        const bare = value === "raw" && (place.address === "stdout" || place.address === "stderr");
        if (!bare) part(at, `there is no format ${value}: lines are those of RFC 3164`);
      }
    } else if (word === "sample" || word === "profile") part(at, "every line is sent");
    else break;
  }
  const [facility = "local0", level, least] = rest.slice(at);
  if (Object.hasOwn(FACILITIES, facility)) {
    if (facility !== "local0") keys.set("facility", facility);
  } else part(at, `"${facility}" is no facility: it is local0`);
  if (level !== undefined && Object.hasOwn(LEVELS, level)) {
    if (level !== "info" && level !== "debug") keys.set("level", level);
  } else if (level !== undefined) part(at + 1, `"${level}" is no level`);
  if (least !== undefined) part(at + 2, "lines keep the level that they have");
  return keys;
}

function logPlace(raw: string, variables: Variables): { address: string } | string {
  if (raw === "stdout" || raw === "stderr") return { address: raw };
  if (raw === "fd@1" || raw === "fd@2") return { address: raw === "fd@1" ? "stdout" : "stderr" };
  const address = readAddress(raw.replace(/^udp[46]?@/, ""), variables);
  switch (address.kind) {
    case "refused":
      return address.why;
    case "fd":
      return "lines are not written to file descriptors";
    case "unix":
      return { address: address.path.startsWith("@") ? `unix:${address.path}` : address.path };
    case "tcp": {
      if (address.host === "") return "it has no host";
      const { ports } = address;
      return { address: endpointText(address.host, ports?.kind === "range" ? ports.low : 514) };
    }
  }
}
