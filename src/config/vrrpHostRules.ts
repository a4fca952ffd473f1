import { canonicalHost, ipVersion } from "../core/endpoint.ts";
import type { NetworkInterface } from "../core/networkHost.ts";
import type { Finding } from "./issue.ts";
import type { Path } from "./places.ts";
import { atKey, type Environment, error, type Rule, warning } from "./rules.ts";
import type { VrrpInstanceConfig } from "./schema.ts";
import { suggest } from "./suggest.ts";

/** Whether this machine can do what [vrrp] asks of it. Nothing is said about what the environment leaves out. */

/** Without these rights no address is set and no advert is sent. */
export const vrrpPrivileges: Rule = ({ config, environment }) => {
  const missing = environment.missingCapabilities ?? [];
  if (missing.length === 0 || (config.vrrp?.instances.length ?? 0) === 0) return [];
  const message = `virtual addresses need ${missing.join(" and ")}, which this process does not have`;
  const hint = "run it as root, or give it the capabilities (systemd: AmbientCapabilities=, containers: --cap-add)";
  return [atKey(error(["vrrp"], message, hint))];
};

type Interfaces = NonNullable<Environment["interfaces"]>;

/** What is judged together: one instance, its interface, and the addresses of the whole machine. */
interface Subject {
  readonly instance: VrrpInstanceConfig;
  readonly device: NetworkInterface;
  /** Addresses of all interfaces, as far as they are known. */
  readonly ours: ReadonlySet<string>;
  /** IP version of the adverts. */
  readonly family: 4 | 6;
  at(...steps: (string | number)[]): Path;
}

/** Interfaces that are named exist and can do their work. */
export const vrrpInterfaces: Rule = ({ config, environment, origin, spoiled }) => {
  const { interfaces } = environment;
  if (interfaces === undefined) return [];
  const severity = environment.strictHost === true ? error : warning;
  const ours = new Set([...interfaces.values()].flatMap(({ addresses }) => (addresses ?? []).map(canonicalHost)));
  const unknown = (name: string, path: Path, meanwhile: string): Finding[] =>
    interfaces.has(name)
      ? []
      : [severity(path, `there is no interface "${name}": ${meanwhile}`, known(name, interfaces), name)];
  return (config.vrrp?.instances ?? []).flatMap((instance) => {
    const at = (...steps: (string | number)[]): Path => [...origin(instance), ...steps];
    const tracked = instance.trackInterface.flatMap(({ name }, index) =>
      unknown(name, at("track_interface", index), "it counts as failed until it appears"),
    );
    if (spoiled(at("interface"))) return tracked;
    const device = interfaces.get(instance.interface);
    if (device === undefined) {
      return [
        ...unknown(instance.interface, at("interface"), `${instance.name} stays in FAULT until it appears`),
        ...tracked,
      ];
    }
    if (spoiled(at("virtual_ipaddress"), at("unicast_peer"), at("unicast_src_ip"))) return tracked;
    const family = familyOf(instance);
    if (family === 0) return tracked;
    const subject: Subject = { instance, device, ours, family, at };
    return [...reach(subject), ...sources(subject), ...ownAddresses(subject), ...tracked];
  });
};

function known(name: string, interfaces: Interfaces): string {
  const others = [...interfaces].filter(([, { loopback }]) => !loopback).map(([other]) => other);
  const near = suggest(name, others);
  const list = others.length === 0 ? "there is none but loopback" : `there are ${others.toSorted().join(", ")}`;
  return near === null ? list : `did you mean "${near}"? (${list})`;
}

function familyOf({ virtualIpAddresses, unicastPeers, unicastSrcIp }: VrrpInstanceConfig): 0 | 4 | 6 {
  return ipVersion(virtualIpAddresses[0]?.address ?? unicastPeers[0] ?? unicastSrcIp ?? "");
}

/** Whether adverts that leave by this interface can arrive anywhere. */
function reach({ instance, device, at }: Subject): Finding[] {
  const name = instance.interface;
  const multicast = instance.unicastPeers.length === 0;
  if (multicast && device.loopback) {
    return [warning(at("interface"), `adverts on ${name} reach no other host`, "name the network's interface", name)];
  }
  if (multicast && !device.multicast) {
    return [warning(at("interface"), `${name} carries no multicast`, "name the other routers in unicast_peer", name)];
  }
  if (device.up !== false || instance.dontTrackPrimary) return [];
  const message = `${name} is down: ${instance.name} stays in FAULT until it is up`;
  return [warning(at("interface"), message, `switch it on (ip link set ${name} up), or see to its cable`, name)];
}

/** Adverts need an address of ours to come from, and somebody else to go to. */
function sources({ instance, device, ours, family, at }: Subject): Finding[] {
  const virtual = new Set(instance.virtualIpAddresses.map(({ address }) => canonicalHost(address)));
  const findings = instance.unicastPeers.flatMap((peer, index): Finding[] => {
    const host = canonicalHost(peer);
    if (!ours.has(host) || virtual.has(host)) return [];
    return [
      error(at("unicast_peer", index), `${peer} is an address of this host`, "list the other routers only", peer),
    ];
  });
  const { unicastSrcIp } = instance;
  if (unicastSrcIp !== null) {
    if (device.addresses === null || ours.has(canonicalHost(unicastSrcIp))) return findings;
    const message = `no interface has ${unicastSrcIp}: ${instance.name} stays in FAULT until one has`;
    return [...findings, warning(at("unicast_src_ip"), message, "write an address of this host", unicastSrcIp)];
  }
  const usable = family === 4 || instance.unicastPeers.length > 0 ? isFamily(family) : isLinkLocal;
  if (device.addresses === null || device.addresses.some(usable)) return findings;
  const kind = usable === isLinkLocal ? "link-local IPv6" : `IPv${family}`;
  const message = `${instance.interface} has no ${kind} address to send adverts from: ${instance.name} stays in FAULT`;
  return [...findings, warning(at("interface"), message, "give it one", instance.interface)];
}

/** An address that is on the interface anyway answers on this host even while another router is MASTER. */
function ownAddresses({ instance, device, at }: Subject): Finding[] {
  if (instance.priority === 255) return [];
  const own = new Set(ownOf(device.addresses ?? []));
  return instance.virtualIpAddresses.flatMap(({ address }, index) =>
    own.has(canonicalHost(address))
      ? [
          warning(
            at("virtual_ipaddress", index),
            `${address} is the interface's own address, and its owner has priority 255`,
            "choose an address that no host has, or set priority = 255",
            address,
          ),
        ]
      : [],
  );
}

/**
 * Those addresses that are certainly not virtual ones of a MASTER that runs on this host now: it adds them behind the
 * primary IPv4 address, and an interface has one link-local IPv6 address of its own.
 */
function ownOf(addresses: readonly string[]): string[] {
  const primary = addresses.filter(isFamily(4)).slice(0, 1);
  const linkLocal = addresses.filter(isLinkLocal);
  return [...primary, ...(linkLocal.length === 1 ? linkLocal : [])].map(canonicalHost);
}

function isFamily(family: 4 | 6): (address: string) => boolean {
  return (address) => ipVersion(address) === family;
}

/** fe80::/10 */
function isLinkLocal(address: string): boolean {
  return /^fe[89ab]/.test(canonicalHost(address));
}
