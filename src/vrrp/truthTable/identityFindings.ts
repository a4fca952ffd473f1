import { canonicalHost, ipVersion } from "../../core/endpoint.ts";
import { parseIp } from "../../net/sockaddr.ts";
import { addressFamily } from "../adverts.ts";
import { passwordBytes } from "../packet.ts";
import { type Finding, type Match, type PairRule, sidesOf } from "./finding.ts";

/** Octets of a password that adverts carry (RFC 2338 §5.3.10). */
const PASSWORD_BYTES = 8;

/** Whether the two understand each other's adverts, and mean the same addresses. */
export const IDENTITY_RULES: readonly PairRule[] = [
  identity,
  authentication,
  intervals,
  addresses,
  subnets,
  unicast,
  groups,
];

const TWO_OWNERS = "neither hears the other, and both own the addresses at once";

function identity({ a, b, names, find }: Match): Finding[] {
  const findings: Finding[] = [];
  if (a.virtualRouterId !== b.virtualRouterId) {
    const text = `virtual_router_id is ${a.virtualRouterId} on ${names[0]} and ${b.virtualRouterId} on ${names[1]}: ${TWO_OWNERS}`;
    findings.push(find("vrid", text, "write the same virtual_router_id on both"));
  }
  if (a.version !== b.version) {
    const text = `${names[0]} speaks VRRP version ${a.version}, ${names[1]} version ${b.version}: ${TWO_OWNERS}`;
    findings.push(find("version", text, "write the same version on both"));
  }
  if (addressFamily(a) !== addressFamily(b)) {
    const text = `adverts are IPv${addressFamily(a)} on ${names[0]} and IPv${addressFamily(b)} on ${names[1]}: ${TWO_OWNERS}`;
    findings.push(find("family", text, "let the first virtual_ipaddress be of one family on both"));
  }
  if (a.version === 3 && a.checksum !== b.checksum && a.checksum !== "auto" && b.checksum !== "auto") {
    const text = `the checksum is "${a.checksum}" on ${names[0]} and "${b.checksum}" on ${names[1]}: ${TWO_OWNERS}`;
    findings.push(find("checksum", text, 'write checksum = "auto"'));
  }
  return findings;
}

function authentication(match: Match): Finding[] {
  const { a, b, names, find } = match;
  const findings = sidesOf(match).flatMap(({ side, instance }): Finding[] => {
    const sizeBytes = Buffer.byteLength(instance.authentication?.password ?? "");
    if (sizeBytes <= PASSWORD_BYTES || instance.version === 3) return [];
    const text = `the password on ${side.name} has ${sizeBytes} bytes, of which adverts carry ${PASSWORD_BYTES}`;
    return [find("password_length", text, "shorten it to 8 bytes on both, so that the files say what is compared")];
  });
  if (a.version === 3 || b.version === 3) return findings;
  const [ours, theirs] = [a.authentication, b.authentication];
  if ((ours === null) !== (theirs === null)) {
    const [having, lacking] = ours === null ? [names[1], names[0]] : names;
    const text = `${having} has a password and ${lacking} has none: ${TWO_OWNERS}`;
    findings.push(find("auth", text, "write the same authentication on both"));
  } else if (ours !== null && theirs !== null && !sameBytes(ours.password, theirs.password)) {
    findings.push(find("auth", `the passwords differ: ${TWO_OWNERS}`, "write the same password on both"));
  }
  return findings;
}

function sameBytes(a: string, b: string): boolean {
  return Buffer.compare(passwordBytes(a), passwordBytes(b)) === 0;
}

function intervals({ a, b, names, find }: Match): Finding[] {
  if (a.advertIntMs === b.advertIntMs) return [];
  const shown = `advert_int is ${a.advertIntMs} ms on ${names[0]} and ${b.advertIntMs} ms on ${names[1]}`;
  const effect =
    a.version === 2 || b.version === 2 ? TWO_OWNERS : "how long a takeover takes depends on who was the owner";
  return [find("advert_int", `${shown}: ${effect}`, "write the same advert_int on both")];
}

function addresses({ a, b, names, pair, find }: Match): Finding[] {
  const list = (instance: Match["a"]): Set<string> =>
    new Set(instance.virtualIpAddresses.map(({ address }) => canonicalHost(address)));
  const [ours, theirs] = [list(a), list(b)];
  const missing = [...ours].filter((address) => !theirs.has(address));
  const extra = [...theirs].filter((address) => !ours.has(address));
  const excluded = (instance: Match["a"]): string =>
    instance.virtualIpAddressesExcluded
      .map(({ address }) => canonicalHost(address))
      .toSorted()
      .join(" ");
  if (missing.length === 0 && extra.length === 0) {
    if (excluded(a) === excluded(b)) return [];
    const text = "virtual_ipaddress_excluded differs: an address that only one host knows goes with it";
    return [find("virtual_ipaddress", text, "write the same list on both")];
  }
  const only = [
    ...(missing.length === 0 ? [] : [`${missing.join(", ")} only on ${names[0]}`]),
    ...(extra.length === 0 ? [] : [`${extra.join(", ")} only on ${names[1]}`]),
  ];
  const effect = pair.some(({ daemon }) => daemon === "keepalived")
    ? "keepalived before 2.4 drops such adverts, and both own the addresses at once"
    : "an address that only one host knows goes with it";
  return [
    find(
      "virtual_ipaddress",
      `virtual_ipaddress differs (${only.join("; ")}): ${effect}`,
      "write the same list on both",
    ),
  ];
}

/** Prefix lengths that differ, and hosts that are not in one network. A host address alone (/32, /128) says nothing of the network. */
function subnets(match: Match): Finding[] {
  const { a, b, names, find } = match;
  const findings: Finding[] = [];
  for (const vip of a.virtualIpAddresses) {
    const twin = b.virtualIpAddresses.find(({ address }) => canonicalHost(address) === canonicalHost(vip.address));
    if (twin === undefined || twin.prefixLength === vip.prefixLength) continue;
    const text = `${vip.address} has the prefix length ${vip.prefixLength} on ${names[0]} and ${twin.prefixLength} on ${names[1]}: hosts that one of them reaches the other does not`;
    findings.push(find("subnet", text, "write the same prefix length on both"));
  }
  const [mine, theirs] = sidesOf(match).map(({ side, instance }) => ({
    name: side.name,
    source: instance.unicastSrcIp ?? side.addressOn(instance.interface, addressFamily(instance)),
    unicast: instance.unicastPeers.length > 0,
  }));
  const network = a.virtualIpAddresses.find((vip) => vip.prefixLength < (ipVersion(vip.address) === 4 ? 32 : 128));
  if (mine === undefined || theirs === undefined || network === undefined || ipVersion(network.address) !== 4)
    return findings;
  const inside = [mine, theirs].map(({ source }) =>
    source === null || ipVersion(source) !== 4 ? null : isWithin(source, network.address, network.prefixLength),
  );
  if (inside.includes(true) && inside.includes(false)) {
    const [outsider] = inside[0] === false ? [mine] : [theirs];
    const text = `${outsider.name} has ${outsider.source}, which is not in the network of ${network.address}/${network.prefixLength}: there the address answers nobody`;
    findings.push(find("subnet", text, "name the interface that is in the network of the virtual address"));
  }
  return findings;
}

function isWithin(address: string, network: string, prefixLength: number): boolean {
  const [a, b] = [parseIp(address), parseIp(network)];
  return a.every((byte, index) => {
    const bits = Math.max(0, Math.min(8, prefixLength - 8 * index));
    const mask = (0xff << (8 - bits)) & 0xff;
    return (byte & mask) === ((b[index] ?? 0) & mask);
  });
}

function unicast(match: Match): Finding[] {
  const { a, b, names, find } = match;
  const [ours, theirs] = [a.unicastPeers.length > 0, b.unicastPeers.length > 0];
  if (ours !== theirs) {
    const [one, other] = ours ? names : [names[1], names[0]];
    const text = `${one} sends its adverts to unicast_peer, ${other} to the multicast group: ${TWO_OWNERS}`;
    return [find("unicast", text, "write unicast_peer on both, or on none")];
  }
  if (!ours) return [];
  return sidesOf(match).flatMap(({ side, instance, peer, other }): Finding[] => {
    const source = peer.unicastSrcIp ?? other.addressOn(peer.interface, addressFamily(peer));
    if (source === null || instance.unicastPeers.some((each) => canonicalHost(each) === canonicalHost(source)))
      return [];
    const text = `unicast_peer of ${side.name} does not name ${source}, from which ${other.name} sends: ${TWO_OWNERS}`;
    return [find("unicast", text, "name each other's unicast_src_ip in unicast_peer")];
  });
}

function groups({ a, b, names, pair, find }: Match): Finding[] {
  if ((a.syncGroup === null) === (b.syncGroup === null)) {
    const sizes = pair.map(({ vrrp }, which) => {
      const group = which === 0 ? a.syncGroup : b.syncGroup;
      return group === null ? 0 : vrrp.instances.filter(({ syncGroup }) => syncGroup === group).length;
    });
    if (sizes[0] === sizes[1]) return [];
    const text = `its sync group has ${sizes[0]} members on ${names[0]} and ${sizes[1]} on ${names[1]}: they do not move together`;
    return [find("sync_group", text, "write the same members on both")];
  }
  const [grouped, lonely] = a.syncGroup === null ? [names[1], names[0]] : names;
  const text = `it is in a sync group on ${grouped} and in none on ${lonely}: there the addresses do not move together`;
  return [find("sync_group", text, "write the same sync_group on both")];
}
