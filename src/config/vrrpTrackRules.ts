import { canonicalHost, ipVersion } from "../core/endpoint.ts";
import { rawTable, rawTables } from "./inherit.ts";
import type { Finding } from "./issue.ts";
import type { Path } from "./places.ts";
import { error, type Rule, warning } from "./rules.ts";
import { suggest } from "./suggest.ts";

/** Errors and warnings about what VRRP instances track, and about the service that their addresses are for. */

/** Most that adverts carry for a router that does not own the address (RFC 9568 §5.2.4). */
const MAX_PRIORITY = 254;

/** Names that stand for something else must be there: keepalived drops an unknown script in silence and goes on. */
export const vrrpReferences: Rule = ({ config, document, origin }) => {
  const vrrp = rawTable(document, "vrrp");
  const scripts = rawTables(vrrp, "script").map((script) => script?.name);
  const listens = Object.keys(rawTable(document, "listen"));
  return (config.vrrp?.instances ?? []).flatMap((instance) => [
    ...unknown([...origin(instance), "track_script"], instance.trackScript, scripts, "[[vrrp.script]]"),
    ...unknown([...origin(instance), "track_listen"], instance.trackListen, listens, "[listen.NAME]"),
  ]);
};

function unknown(
  path: Path,
  items: readonly { readonly name: string }[],
  known: readonly unknown[],
  what: string,
): Finding[] {
  const names = [...new Set(known.filter((name) => typeof name === "string"))];
  const hint = (name: string) => {
    const near = suggest(name, names);
    if (near !== null) return `did you mean "${near}"?`;
    return names.length === 0 ? "none is there at all" : `known: ${names.join(", ")}`;
  };
  return items.flatMap(({ name }, index) =>
    known.includes(name) ? [] : [error([...path, index], `there is no ${what} called "${name}"`, hint(name), name)],
  );
}

/** A listen whose servers nobody checks never fails, however dead they are. */
export const vrrpTrackedListens: Rule = ({ config, origin, spoiled }) => {
  const unchecked = new Map(
    config.listens
      .filter((listen) => listen.servers.every(({ check }) => check === null) && !spoiled(origin(listen)))
      .map(({ name, servers }) => [name, servers.length === 0 ? "has no server" : "has no server that is checked"]),
  );
  return (config.vrrp?.instances ?? []).flatMap((instance) =>
    instance.trackListen.flatMap(({ name }, index): Finding[] => {
      const what = unchecked.get(name);
      if (what === undefined) return [];
      const path = [...origin(instance), "track_listen", index];
      return [warning(path, `${name} ${what}: it never counts as failed`, "give its servers a check", name)];
    }),
  );
};

/** Two routers that reach the limit are equal, whatever the file says about them. */
export const vrrpPriorities: Rule = ({ config, origin }) => {
  const weights = new Map(config.vrrp?.scripts.map(({ name, weight }) => [name, weight]));
  return (config.vrrp?.instances ?? []).flatMap((instance): Finding[] => {
    const { priority } = instance;
    const scripts = instance.trackScript.map(({ name, weight, reverse }) => ({
      reverse,
      weight: weight ?? weights.get(name) ?? 0,
    }));
    const proxy = instance.trackProxy === null ? [] : [instance.trackProxy];
    const gains = [...scripts, ...proxy, ...instance.trackListen, ...instance.trackInterface].map(
      ({ weight, reverse }) => Math.max(0, reverse ? -weight : weight),
    );
    const most = gains.reduce((sum, gain) => sum + gain, priority);
    if (priority > MAX_PRIORITY || most <= MAX_PRIORITY) return [];
    const message = `with its weights it comes to ${most}, of which adverts carry ${MAX_PRIORITY}`;
    const hint = "lower it, so that two routers cannot meet at the limit";
    return [warning([...origin(instance), "priority"], message, hint, priority)];
  });
};

/** The address moves, and nobody answers there: most often a bind that names the host's own address. */
export const vrrpServices: Rule = ({ config, origin, spoiled }) => {
  if (config.listens.length === 0 || spoiled(["listen"], ["stats"])) return [];
  const binds = [...config.listens.flatMap((listen) => listen.binds), ...(config.stats?.binds ?? [])];
  const bound = new Set(binds.map((bind) => (bind.kind === "unix" ? "" : canonicalHost(bind.host))));
  const answers = (address: string) =>
    bound.has(canonicalHost(address)) || bound.has(ipVersion(address) === 4 ? "0.0.0.0" : "::");
  return (config.vrrp?.instances ?? []).flatMap((instance): Finding[] => {
    const path = [...origin(instance), "virtual_ipaddress"];
    const addresses = [...instance.virtualIpAddresses, ...instance.virtualIpAddressesExcluded];
    if (addresses.length === 0 || spoiled(path, [...origin(instance), "virtual_ipaddress_excluded"])) return [];
    if (addresses.some(({ address }) => answers(address))) return [];
    const message = "no listen is bound to any of these addresses: connections to them are refused";
    return [warning(path, message, 'add one of them to a bind, or bind to ":PORT" (every address)')];
  });
};
