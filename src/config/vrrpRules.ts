import { canonicalHost, ipVersion } from "../core/endpoint.ts";
import type { Finding } from "./issue.ts";
import type { Path } from "./places.ts";
import { atKey, error, type Rule, warning } from "./rules.ts";
import type { VrrpInstanceConfig } from "./schema.ts";
import { formatDuration } from "./units.ts";
import { hostPartProblem } from "./vrrpAddress.ts";

/** Errors and warnings within one VRRP instance. Between instances: vrrpGroupRules.ts; what it tracks: vrrpTrackRules.ts. */

/** Sections whose version or family a rule judges; used for one instance at a time. */
interface Subject {
  readonly instance: VrrpInstanceConfig;
  /** True when the file has a [vrrp.mail], right or wrong. */
  readonly mailTo: boolean;
  /** The path of one of its keys. */
  at(...steps: (string | number)[]): Path;
}

/** Octets that the simple password has in an advert (RFC 2338 §5.3.10; keepalived cuts the rest). */
const PASSWORD_BYTES = 8;

/** Addresses of 16 bytes that fit an advert in a frame of 1500: (1500 - 40 IPv6 - 8 VRRP) / 16. */
const MAX_IPV6_ADDRESSES = 90;

/** The packet counts its addresses in one byte (RFC 9568 §5.2.5); of IPv4 ones, more than that would fit a frame. */
const MAX_ADDRESSES = 255;

/** Runs every check on every instance. */
export const vrrpInstances: Rule = ({ config, origin, spoiled }) =>
  (config.vrrp?.instances ?? []).flatMap((instance) => {
    const subject: Subject = {
      instance,
      mailTo: config.vrrp?.mail !== null || spoiled(["vrrp", "mail"]),
      at: (...steps) => [...origin(instance), ...steps],
    };
    // Without all of its addresses nothing can be said about their family and number.
    const partly = spoiled(subject.at("virtual_ipaddress"), subject.at("unicast_peer"), subject.at("unicast_src_ip"));
    const checks = [intervals, passwords, preemption, owner, room, ...(partly ? [] : [addresses, unicast, leftovers])];
    return checks.flatMap((check) => check(subject));
  });

function intervals({ instance, at }: Subject): Finding[] {
  const { version, advertIntMs } = instance;
  const shown = formatDuration(advertIntMs);
  if (version === 2 && advertIntMs % 1000 !== 0) {
    const hint = 'write whole seconds, as in "1s", or set version = 3 on both routers';
    return [error(at("advert_int"), `version 2 counts whole seconds, ${shown} is none`, hint, shown)];
  }
  if (version === 3 && advertIntMs > 40_950) {
    return [error(at("advert_int"), `${shown} does not fit an advert of version 3`, "write 10ms..40950ms", shown)];
  }
  return [];
}

function passwords({ instance, at }: Subject): Finding[] {
  const { authentication, version } = instance;
  if (authentication === null) return [];
  if (version === 3) {
    const hint = "remove it, or set version = 2 on both routers";
    return [atKey(error(at("authentication"), "version 3 has no authentication (RFC 9568)", hint))];
  }
  const sizeBytes = new TextEncoder().encode(authentication.password).length;
  if (sizeBytes <= PASSWORD_BYTES) return [];
  const message = `the password has ${sizeBytes} bytes, only the first ${PASSWORD_BYTES} are sent`;
  return [warning(at("authentication", "password"), message, "shorten it, so that the file says what is compared")];
}

function addresses({ instance, at }: Subject): Finding[] {
  const list = instance.virtualIpAddresses;
  const findings: Finding[] = [];
  const families = new Set(list.map(({ address }) => ipVersion(address)));
  if (list.length === 0) {
    findings.push(atKey(warning(at(), "no virtual_ipaddress: it elects a master of nothing", "add the addresses")));
  }
  if (families.size > 1) {
    const hint = "put those of the other family into virtual_ipaddress_excluded";
    findings.push(error(at("virtual_ipaddress"), "an advert carries IPv4 or IPv6 addresses, not both", hint));
  } else if (instance.version === 2 && families.has(6)) {
    const index = list.findIndex(({ address }) => ipVersion(address) === 6);
    const hint = "set version = 3 on both routers, or put it into virtual_ipaddress_excluded";
    findings.push(
      error(at("virtual_ipaddress", index), "version 2 carries no IPv6 address", hint, list[index]?.address),
    );
  }
  const limit = families.has(6) ? MAX_IPV6_ADDRESSES : MAX_ADDRESSES;
  if (list.length > limit) {
    const message = `${list.length} addresses do not fit one advert, which holds ${limit}`;
    findings.push(error(at("virtual_ipaddress"), message, "put the others into virtual_ipaddress_excluded"));
  }
  return findings;
}

/** Some addresses of a network are nobody's. */
function room({ instance, at }: Subject): Finding[] {
  const lists = [
    { key: "virtual_ipaddress", list: instance.virtualIpAddresses },
    { key: "virtual_ipaddress_excluded", list: instance.virtualIpAddressesExcluded },
  ];
  return lists.flatMap(({ key, list }) =>
    list.flatMap((vip, index): Finding[] => {
      const problem = hostPartProblem(vip);
      if (problem === null) return [];
      const say = problem.fatal ? error : warning;
      return [say(at(key, index), problem.message, problem.hint, `${vip.address}/${vip.prefixLength}`)];
    }),
  );
}

function preemption({ instance, at }: Subject): Finding[] {
  const { nopreempt, preemptDelayMs, state } = instance;
  const findings: Finding[] = [];
  if (nopreempt && state === "MASTER") {
    findings.push(
      warning(
        at("nopreempt"),
        'nopreempt has no effect with state = "MASTER"',
        'write state = "BACKUP" on both routers',
      ),
    );
  }
  if (preemptDelayMs > 0 && (nopreempt || state === "MASTER")) {
    const why = nopreempt ? "nopreempt" : 'state = "MASTER"';
    findings.push(warning(at("preempt_delay"), `preempt_delay has no effect with ${why}`, "remove one of the two"));
  }
  return findings;
}

function unicast({ instance, at }: Subject): Finding[] {
  const { unicastPeers, unicastSrcIp } = instance;
  const virtual = new Set(instance.virtualIpAddresses.map(({ address }) => canonicalHost(address)));
  const findings: Finding[] = [];
  const family = ipVersion(instance.virtualIpAddresses[0]?.address ?? unicastSrcIp ?? unicastPeers[0] ?? "");
  for (const [index, peer] of unicastPeers.entries()) {
    if (unicastSrcIp !== null && canonicalHost(peer) === canonicalHost(unicastSrcIp)) {
      findings.push(
        error(at("unicast_peer", index), `${peer} is unicast_src_ip, too`, "list the other routers only", peer),
      );
    } else if (ipVersion(peer) !== family) {
      findings.push(
        error(
          at("unicast_peer", index),
          `adverts of this instance are IPv${family}, ${peer} is not`,
          `write an IPv${family} address`,
          peer,
        ),
      );
    } else if (virtual.has(canonicalHost(peer))) {
      const message = `${peer} is a virtual address: adverts to it come back to whoever is MASTER`;
      findings.push(warning(at("unicast_peer", index), message, "write the other router's own address", peer));
    }
  }
  if (unicastSrcIp === null) return findings;
  if (unicastPeers.length === 0) {
    findings.push(
      warning(at("unicast_src_ip"), "there is no unicast_peer: adverts go to the multicast group", "add the peers"),
    );
  } else if (ipVersion(unicastSrcIp) !== family) {
    const message = `adverts of this instance are IPv${family}, ${unicastSrcIp} is not`;
    findings.push(error(at("unicast_src_ip"), message, `write an IPv${family} address`, unicastSrcIp));
  } else if (virtual.has(canonicalHost(unicastSrcIp)) && instance.priority !== 255) {
    const message = `${unicastSrcIp} is a virtual address: this router does not have it while it is BACKUP`;
    findings.push(warning(at("unicast_src_ip"), message, "write this host's own address", unicastSrcIp));
  }
  return findings;
}

function owner({ instance, at }: Subject): Finding[] {
  if (instance.priority !== 255) return [];
  const weighted = [
    ...instance.trackScript.map(({ weight }) => weight ?? 0),
    ...[...instance.trackListen, ...instance.trackInterface, ...instance.trackFile].map(({ weight }) => weight),
    instance.trackProxy?.weight ?? 0,
  ].some((weight) => weight !== 0);
  const findings: Finding[] = [];
  if (weighted)
    findings.push(
      warning(at("priority"), "priority 255 never changes: weights have no effect", "write 254 or less", 255),
    );
  if (instance.state === "BACKUP") {
    findings.push(
      warning(
        at("priority"),
        'priority 255 is the owner of the address, which is not state = "BACKUP"',
        'write state = "MASTER"',
        255,
      ),
    );
  }
  return findings;
}

function leftovers({ instance, mailTo, at }: Subject): Finding[] {
  const findings: Finding[] = [];
  if (instance.mail && !mailTo) {
    findings.push(error(at("mail"), "nobody is named to send mail to", "add [vrrp.mail] with to and from"));
  }
  const ipv4 = ipVersion(instance.virtualIpAddresses[0]?.address ?? "") === 4;
  if (instance.checksum !== "auto" && !(instance.version === 3 && ipv4)) {
    findings.push(warning(at("checksum"), "checksum has an effect in version 3 with IPv4 addresses only", "remove it"));
  }
  if (instance.useVmac && instance.unicastPeers.length > 0) {
    const message = "networks that need unicast adverts often drop frames of a MAC address that they did not give out";
    findings.push(warning(at("use_vmac"), message, "remove use_vmac unless the network is known to allow it"));
  }
  return findings;
}
