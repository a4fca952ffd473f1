import { canonicalHost, ipVersion } from "../core/endpoint.ts";
import { rawTable, rawTables } from "./inherit.ts";
import type { Finding } from "./issue.ts";
import { atKey, error, type Rule, warning } from "./rules.ts";
import type { VrrpInstanceConfig } from "./schema.ts";

/** Errors and warnings between VRRP instances. */

function family(instance: VrrpInstanceConfig): number {
  return ipVersion(instance.virtualIpAddresses[0]?.address ?? instance.unicastPeers[0] ?? "0.0.0.0");
}

/** True when the adverts of the two never meet: unicast to other peers (keepalived allows one VRID twice then). */
function apart(a: VrrpInstanceConfig, b: VrrpInstanceConfig): boolean {
  if (a.unicastPeers.length === 0 || b.unicastPeers.length === 0) return false;
  const peers = new Set(a.unicastPeers.map(canonicalHost));
  return b.unicastPeers.every((peer) => !peers.has(canonicalHost(peer)));
}

/** Two instances with one VRID on one interface would each take the other's adverts for a rival's. */
export const vrrpIdentities: Rule = ({ config, origin, spoiled }) => {
  // A refused identity was replaced by a stand-in, which is nobody's.
  const known = (instance: VrrpInstanceConfig) =>
    !spoiled([...origin(instance), "virtual_router_id"], [...origin(instance), "interface"]);
  const routers = new Map<string, VrrpInstanceConfig[]>();
  return (config.vrrp?.instances ?? []).filter(known).flatMap((instance) => {
    const { virtualRouterId, interface: device } = instance;
    const key = `${virtualRouterId} ${device} ${family(instance)}`;
    const others = routers.get(key) ?? [];
    routers.set(key, others);
    const twin = others.find((other) => !apart(other, instance));
    if (twin === undefined) {
      others.push(instance);
      return [];
    }
    const message = `${twin.name} has virtual_router_id ${virtualRouterId} on ${device} already`;
    const hint = "give each virtual router of a network its own, 1..255";
    return [error([...origin(instance), "virtual_router_id"], message, hint, virtualRouterId)];
  });
};

/** One address cannot be moved by two elections. */
export const vrrpAddresses: Rule = ({ config, origin }) => {
  const owners = new Map<string, string>();
  return (config.vrrp?.instances ?? []).flatMap((instance) => {
    const lists = [
      { key: "virtual_ipaddress", list: instance.virtualIpAddresses },
      { key: "virtual_ipaddress_excluded", list: instance.virtualIpAddressesExcluded },
    ];
    return lists.flatMap(({ key, list }) =>
      list.flatMap(({ address }, index): Finding[] => {
        const owner = owners.get(canonicalHost(address));
        owners.set(canonicalHost(address), owner ?? instance.name);
        if (owner === undefined) return [];
        const who = owner === instance.name ? "this instance lists" : `${owner} has`;
        return [
          error([...origin(instance), key, index], `${who} ${address} already`, "remove one of the two", address),
        ];
      }),
    );
  });
};

/** Names of scripts, which track_script refers to. */
export const vrrpScriptNames: Rule = ({ document }) => {
  const seen = new Set<unknown>();
  return rawTables(rawTable(document, "vrrp"), "script").flatMap((script, index) => {
    const name = script?.name;
    const twice = typeof name === "string" && seen.has(name);
    seen.add(name);
    return twice
      ? [
          error(
            ["vrrp", "script", index, "name"],
            `there is a script "${name}" already`,
            "give each script a name of its own",
            name,
          ),
        ]
      : [];
  });
};

/** The virtual MAC address is made of the VRID alone: two interfaces of one network cannot both have it. */
export const vrrpVirtualMacs: Rule = ({ config, origin, spoiled }) => {
  const owners = new Map<string, string>();
  return (config.vrrp?.instances ?? []).flatMap((instance): Finding[] => {
    const path = [...origin(instance), "virtual_router_id"];
    if (!instance.useVmac || spoiled(path, [...origin(instance), "interface"])) return [];
    const { virtualRouterId, interface: device, name } = instance;
    const key = `${virtualRouterId} ${device} ${family(instance)}`;
    const owner = owners.get(key);
    owners.set(key, owner ?? name);
    if (owner === undefined) return [];
    const message = `${owner} has the virtual MAC address of VRID ${virtualRouterId} on ${device} already`;
    return [error(path, message, "give it another virtual_router_id, or remove use_vmac", virtualRouterId)];
  });
};

/** A group of one, and a section without instances, do nothing. */
export const vrrpLeftovers: Rule = ({ config, document, origin }) => {
  if (config.vrrp === null) return [];
  if (rawTable(document, "vrrp").instance === undefined) {
    return [atKey(warning(["vrrp"], "[vrrp] has no instance: no address is moved", "add [vrrp.instance.NAME]"))];
  }
  const { instances } = config.vrrp;
  const groups = Map.groupBy(instances, ({ syncGroup }) => syncGroup);
  return instances.flatMap((instance) => {
    const { syncGroup } = instance;
    if (syncGroup === null || (groups.get(syncGroup)?.length ?? 0) > 1) return [];
    const message = `${instance.name} is alone in the sync group "${syncGroup}"`;
    return [
      warning(
        [...origin(instance), "sync_group"],
        message,
        "name the group in another instance, or remove it",
        syncGroup,
      ),
    ];
  });
};
