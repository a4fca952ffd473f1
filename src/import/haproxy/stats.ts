import type { Ledger } from "../ledger.ts";
import { texts } from "../source.ts";
import type { TomlDocument, TomlValue } from "../toml.ts";
import { durationText, readTimeMs } from "../units.ts";
import { readBinds } from "./binds.ts";
import { leaveSectionOut } from "./proxies.ts";
import type { ProxySection } from "./settings.ts";
import type { Variables } from "./words.ts";

/** True for a proxy that serves nothing but HAProxy's statistics or metrics. */
export function isStats({ section, settings, servers, services }: ProxySection): boolean {
  if (section.kind === "backend" || settings.values.mode?.value !== "http" || settings.values.disabled?.value === true)
    return false;
  const own = settings.stats.some(({ inherited }) => !inherited) || services.length > 0;
  return (
    own && servers.length === 0 && settings.values.defaultBackend === undefined && settings.useBackends.length === 0
  );
}

/** Writes [stats] from the first such proxy; the others add their addresses where they serve the same. */
export function writeStats(
  proxies: readonly ProxySection[],
  variables: Variables,
  document: TomlDocument,
  ledger: Ledger,
) {
  const pages = proxies.filter(({ settings }) => settings.stats.length > 0);
  const [main] = pages.length > 0 ? pages : proxies;
  if (main === undefined) return;
  const keys = statsKeys(main, ledger);
  const binds = readBinds(main.section.header, main.binds, variables, ledger).addresses.map((bind) => ({
    ...bind,
    of: main,
  }));
  for (const other of proxies) {
    if (other === main) continue;
    const theirs = readBinds(other.section.header, other.binds, variables, ledger).addresses;
    const same =
      other.settings.stats.length === 0 || JSON.stringify([...statsKeys(other, ledger)]) === JSON.stringify([...keys]);
    const isOpen = keys.get("auth") === undefined;
    if (!same || (other.services.length > 0 && !isOpen)) {
      leaveSectionOut(
        other.section,
        ledger,
        "there is one statistics page, and this one is another",
        "[stats] of its own in another file",
      );
      continue;
    }
    ledger.note(
      { line: other.section.header.line },
      "its addresses are those of the one statistics page, which has /metrics, too",
    );
    markHeader(other, ledger);
    for (const bind of theirs) binds.push({ ...bind, of: other });
  }
  const [first, ...others] = binds;
  if (first === undefined)
    return leaveSectionOut(main.section, ledger, "it listens nowhere: none of its addresses could be carried over");
  const table = document.table(["stats"]).from(main.section.header);
  const addresses = [first, ...others].map(({ address }) => address);
  table.set("bind", addresses.length === 1 ? first.address : addresses, first.from);
  for (const { from } of others) table.adopt(from);
  markHeader(main, ledger);
  for (const [key, { value, given }] of keys) table.set(key, value, given?.from ?? null);
}

function markHeader(proxy: ProxySection, ledger: Ledger): void {
  ledger.mark(proxy.section.header.line, "carried");
  const { mode, tcplog, httplog, dontlognull } = proxy.settings.values;
  if (mode !== undefined) ledger.mark(mode.from.line, "carried");
  for (const given of [tcplog, httplog, dontlognull])
    if (given !== undefined && !given.inherited) ledger.mark(given.from.line, "default");
  for (const given of proxy.settings.logs) if (!given.inherited) ledger.mark(given.from.line, "default");
  for (const each of proxy.services) ledger.mark(each.line, "carried");
  for (const given of proxy.settings.timeouts.values()) if (!given.inherited) ledger.mark(given.from.line, "default");
}

type StatsKeys = Map<
  string,
  { readonly value: TomlValue; readonly given: ProxySection["settings"]["stats"][number] | null; toJSON(): TomlValue }
>;

function statsKeys({ settings }: ProxySection, ledger: Ledger): StatsKeys {
  const keys: StatsKeys = new Map();
  const put = (key: string, value: TomlValue, given: ProxySection["settings"]["stats"][number] | null) =>
    keys.set(key, { value, given, toJSON: () => value });
  const auth: { user: string; password: string }[] = [];
  for (const given of settings.stats) {
    const [, word = "", value = "", ...rest] = texts(given.from);
    switch (word) {
      case "enable":
        ledger.mark(given.from.line, "default");
        break;
      case "uri":
        if (value === "/haproxy.stats") ledger.mark(given.from.line, "default");
        else if (
          /^\/[\x21-\x22\x24-\x3a\x3c-\x3e\x40-\x7e]*$/.test(value) &&
          value !== "/metrics" &&
          value !== "/healthz"
        )
          put("uri", value, given);
        else ledger.leftOut(given.from, "the page cannot have this path", "/haproxy.stats, where it is now");
        break;
      case "refresh": {
        const ms = readTimeMs(value, "s");
        if (ms === null || ms < 1000) ledger.leftOut(given.from, "the page reloads itself every second or less often");
        else put("refresh", durationText(Math.round(ms / 1000) * 1000, 1000, 86_400_000), given);
        break;
      }
      case "auth": {
        const colon = value.indexOf(":");
        if (colon < 1 || colon === value.length - 1) ledger.leftOut(given.from, "it is not USER:PASSWORD");
        else {
          auth.push({ user: value.slice(0, colon), password: value.slice(colon + 1) });
          put("auth", [...auth], given);
          ledger.mark(given.from.line, "carried");
        }
        break;
      }
      case "admin":
        if ([value, ...rest].join(" ").toUpperCase() === "IF TRUE") put("admin", true, given);
        else ledger.leftOut(given.from, "who may change servers is not decided by a rule", "admin = true with auth");
        break;
      case "hide-version":
        put("hide_version", true, given);
        break;
      default:
        ledger.leftOut(given.from, "the page has no such setting");
    }
  }
  const { maxconn } = settings.values;
  if (maxconn !== undefined && maxconn.value > 0 && maxconn.value !== 10)
    put("maxconn", Math.min(10_000, maxconn.value), { ...maxconn, value: null });
  else if (maxconn !== undefined && !maxconn.inherited) ledger.mark(maxconn.from.line, "default");
  return keys;
}
