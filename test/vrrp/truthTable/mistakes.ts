import type { FindingCode } from "../../../src/vrrp/truthTable/finding.ts";
import type { Verdict } from "../../../src/vrrp/truthTable/verdict.ts";
import { listen, type SideWishes } from "./side.ts";

/** A pair that somebody really ran, reduced to what was wrong with it. */
export interface Mistake {
  readonly name: string;
  readonly a: SideWishes;
  readonly b: SideWishes;
  /** All findings, and no other. */
  readonly findings: readonly FindingCode[];
  /** A row that it shows in; null: nothing that can be played shows it. */
  readonly shows: { readonly fault: string; readonly verdict: Verdict; readonly owners: readonly string[] } | null;
}

const TRACKED = 'track_listen = [{ name = "web", weight = -20 }]';

/** Lines of one of ours that does all it should; `lines` come on top. */
function ours(priority: number, lines = "", state = priority > 100 ? "MASTER" : "BACKUP"): SideWishes {
  return { instance: `priority = ${priority}\nstate = "${state}"\n${TRACKED}\n${lines}` };
}

/** A keepalived that looks for its haproxy with `killall -0`. */
function keepalived(priority: number, weight: number, lines = "", state = "BACKUP"): SideWishes {
  return {
    daemon: "keepalived",
    listens: "",
    more: `[[vrrp.script]]\nname = "chk_haproxy"\ncommand = ["/usr/bin/killall", "-0", "haproxy"]\ninterval = "2s"\nweight = ${weight}\n`,
    instance: `priority = ${priority}\nstate = "${state}"\ntrack_proxy = false\ntrack_script = ["chk_haproxy"]\n${lines}`,
  };
}

const password = (text: string): string => `authentication = { type = "PASS", password = "${text}" }`;
const BOTH_UP = "start: both at once";
const TWO = { fault: BOTH_UP, verdict: "two owners", owners: ["a", "b"] } as const;
const stuckOn = (fault: string) => ({ fault, verdict: "stuck", owners: ["a"] }) as const;

const ping = (weight: number): string =>
  `[[vrrp.script]]\nname = "chk_gw"\ncommand = ["/usr/bin/ping", "-c1", "192.0.2.1"]\ninterval = "2s"\nweight = ${weight}\n`;

export const MISTAKES: readonly Mistake[] = [
  {
    name: "the published standby: its priority is its master's, and of the password only 8 bytes count",
    a: keepalived(101, 2, password("myPassw0rd"), "MASTER"),
    b: keepalived(101, 2, password("myPassw0rd")),
    findings: ["password_length", "password_length", "equal_priority", "slow_handover", "slow_handover"],
    shows: { fault: "start: b first", verdict: "fine", owners: ["b"] },
  },
  {
    name: "the VRID of another pair was copied",
    a: ours(101),
    b: ours(100, "virtual_router_id = 52"),
    findings: ["vrid"],
    shows: TWO,
  },
  {
    name: "one host was moved to version 3",
    a: ours(101),
    b: ours(100, "version = 3"),
    findings: ["version"],
    shows: TWO,
  },
  {
    name: "the password was changed on one host",
    a: ours(101, password("secret1")),
    b: ours(100, password("secret2")),
    findings: ["auth"],
    shows: TWO,
  },
  {
    name: "the password was set on one host",
    a: ours(101, password("secret")),
    b: ours(100),
    findings: ["auth"],
    shows: TWO,
  },
  {
    name: "passwords that differ after the eighth byte only: they work, and one day somebody shortens one",
    a: ours(101, password("production-1")),
    b: ours(100, password("production-2")),
    findings: ["password_length", "password_length"],
    shows: null,
  },
  {
    name: "adverts of another interval are dropped in version 2",
    a: ours(101),
    b: ours(100, 'advert_int = "2s"'),
    findings: ["advert_int"],
    shows: TWO,
  },
  {
    name: "intervals differ in version 3: it works, at two speeds",
    a: ours(101, 'version = 3\nadvert_int = "100ms"'),
    b: ours(100, 'version = 3\nadvert_int = "1s"'),
    findings: ["advert_int"],
    shows: null,
  },
  {
    name: "an address was added to one host (keepalived #1603, #2444)",
    a: keepalived(254, 0, 'virtual_ipaddress = ["192.0.2.100/24", "192.0.2.101/24"]', "MASTER"),
    b: keepalived(253, 0, 'virtual_ipaddress = ["192.0.2.100/24"]'),
    findings: ["virtual_ipaddress"],
    shows: null,
  },
  {
    name: "an address that adverts do not carry was added to one host",
    a: ours(101, 'virtual_ipaddress_excluded = ["192.0.2.101/24"]'),
    b: ours(100),
    findings: ["virtual_ipaddress"],
    shows: null,
  },
  {
    name: "the prefix length differs",
    a: ours(101, 'virtual_ipaddress = ["192.0.2.100/24"]'),
    b: ours(100, 'virtual_ipaddress = ["192.0.2.100/25"]'),
    findings: ["subnet"],
    shows: null,
  },
  {
    name: "one host names an interface of another network",
    a: { ...ours(101), address: "192.0.2.1" },
    b: { ...ours(100), address: "198.51.100.2" },
    findings: ["subnet"],
    shows: null,
  },
  {
    name: "one host carries the IPv6 addresses, the other the IPv4 ones",
    a: ours(101, 'version = 3\nvirtual_ipaddress = ["fe80::100/64"]\nvirtual_ipaddress_excluded = ["192.0.2.100/24"]'),
    b: ours(100, 'version = 3\nvirtual_ipaddress = ["192.0.2.100/24"]\nvirtual_ipaddress_excluded = ["fe80::100/64"]'),
    findings: ["family", "virtual_ipaddress"],
    shows: TWO,
  },
  {
    name: "unicast_peer on one host only",
    a: ours(101, 'unicast_src_ip = "192.0.2.1"\nunicast_peer = ["192.0.2.2"]'),
    b: ours(100),
    findings: ["unicast"],
    shows: TWO,
  },
  {
    name: "unicast_peer names the host's former address",
    a: ours(101, 'unicast_src_ip = "192.0.2.1"\nunicast_peer = ["192.0.2.9"]'),
    b: ours(100, 'unicast_src_ip = "192.0.2.2"\nunicast_peer = ["192.0.2.1"]'),
    findings: ["unicast"],
    shows: TWO,
  },
  {
    name: "the file was copied, unicast_src_ip and all",
    a: ours(101, 'unicast_src_ip = "192.0.2.1"\nunicast_peer = ["192.0.2.2"]'),
    b: ours(100, 'unicast_src_ip = "192.0.2.1"\nunicast_peer = ["192.0.2.2"]'),
    findings: ["unicast", "unicast", "same_host"],
    shows: TWO,
  },
  {
    name: "the checksums of version 3 are pinned to both dialects (keepalived #2324)",
    a: ours(101, 'version = 3\nchecksum = "plain"'),
    b: ours(100, 'version = 3\nchecksum = "pseudo"'),
    findings: ["checksum"],
    shows: TWO,
  },
  {
    name: "weight 2 does not bridge 103 and 100 (keepalived #2599)",
    a: keepalived(103, 2, "", "MASTER"),
    b: keepalived(100, 2),
    findings: ["weight", "weight", "slow_handover"],
    shows: stuckOn("a: script chk_haproxy fails"),
  },
  {
    name: "nopreempt beside a weight: a sick owner keeps the addresses (keepalived #2379, #2599)",
    a: keepalived(200, 50, "nopreempt = true"),
    b: keepalived(160, 50, "nopreempt = true"),
    findings: ["nopreempt_weight", "nopreempt_weight"],
    shows: stuckOn("a: script chk_haproxy fails"),
  },
  {
    name: "the standby stops its haproxy: both checks fail together (keepalived #2485)",
    a: keepalived(254, -10, 'notify_backup = ["/etc/keepalived/stop_haproxy.sh"]', "MASTER"),
    b: keepalived(253, -10, 'notify_backup = ["/etc/keepalived/stop_haproxy.sh"]'),
    findings: ["standby_stopped", "standby_stopped"],
    shows: null,
  },
  {
    name: "a weight that only makes the two equal moves nothing, as equals do not preempt",
    a: keepalived(252, 2, "", "MASTER"),
    b: keepalived(250, 2),
    findings: ["weight", "weight"],
    shows: stuckOn("a: script chk_haproxy fails"),
  },
  {
    name: "200 against 100, and a weight of 101 that is added to both (a published tutorial)",
    a: keepalived(200, 50, "", "MASTER"),
    b: keepalived(100, 50),
    findings: ["weight", "weight"],
    shows: stuckOn("a: script chk_haproxy fails"),
  },
  {
    name: "weights that reach the limit: both are 254",
    a: keepalived(250, 50, "", "MASTER"),
    b: keepalived(240, 50),
    findings: ["equal_priority"],
    shows: { fault: "start: b first", verdict: "fine", owners: ["b"] },
  },
  {
    name: "nopreempt with state MASTER: it takes the addresses back",
    a: ours(101, "nopreempt = true"),
    b: ours(100, "nopreempt = true"),
    findings: ["nopreempt", "nopreempt_weight"],
    shows: { fault: "start: b first", verdict: "fine", owners: ["a"] },
  },
  {
    name: "both are called MASTER",
    a: ours(101, "", "MASTER"),
    b: ours(100, "", "MASTER"),
    findings: ["state"],
    shows: null,
  },
  {
    name: "the host that is called MASTER is the lower one (keepalived #2114)",
    a: ours(50, "", "MASTER"),
    b: ours(60, "", "BACKUP"),
    findings: ["state"],
    shows: { fault: BOTH_UP, verdict: "fine", owners: ["b"] },
  },
  {
    name: "two owners of one address",
    a: ours(255, "", "MASTER"),
    b: { instance: `priority = 255\nstate = "BACKUP"\n${TRACKED}` },
    findings: ["owner"],
    shows: null,
  },
  {
    name: "a clean hand-over to a keepalived of priority 100 takes 0.6 s",
    a: keepalived(101, -10, "", "MASTER"),
    b: keepalived(100, -10),
    findings: ["slow_handover"],
    shows: null,
  },
  {
    name: "the check script is not there: keepalived takes it for healthy (keepalived #535)",
    a: { ...keepalived(254, 0, "", "MASTER"), broken: { "/usr/bin/killall": "does not exist" } },
    b: keepalived(253, 0),
    findings: ["script"],
    shows: null,
  },
  {
    name: "the check script is not executable: ours takes it for failed, and stands by for ever",
    a: {
      instance: `priority = 101\n${TRACKED}\ntrack_script = ["chk_disk"]`,
      more: '[[vrrp.script]]\nname = "chk_disk"\ncommand = ["/usr/local/bin/chk_disk"]\n',
      broken: { "/usr/local/bin/chk_disk": "is not executable (chmod +x)" },
    },
    b: ours(100),
    findings: ["script"],
    shows: { fault: BOTH_UP, verdict: "fine", owners: ["b"] },
  },
  {
    name: "the backup.conf of a tutorial tracks nothing",
    a: keepalived(254, -10, "", "MASTER"),
    b: { daemon: "keepalived", listens: "", instance: "priority = 253\ntrack_proxy = false" },
    findings: ["no_track"],
    shows: null,
  },
  {
    name: "nobody looks at the servers: the host that alone loses them keeps the addresses",
    a: { instance: "priority = 101" },
    b: { instance: "priority = 100" },
    findings: ["no_track", "no_track"],
    shows: stuckOn("a: servers of web down"),
  },
  {
    name: "two listens behind one address, and the servers of one take the other with them",
    a: {
      instance: 'priority = 101\ntrack_listen = ["web", "api"]',
      listens: listen("web", 8000) + listen("api", 8001),
    },
    b: {
      instance: 'priority = 100\ntrack_listen = ["web", "api"]',
      listens: listen("web", 8000) + listen("api", 8001),
    },
    findings: ["all_or_nothing", "all_or_nothing"],
    shows: { fault: "both: servers of web down", verdict: "nobody", owners: [] },
  },
  {
    name: "both ping the gateway with weight 0: it reboots, and both give up the address",
    a: { ...ours(101, 'track_script = ["chk_gw"]'), more: ping(0) },
    b: { ...ours(100, 'track_script = ["chk_gw"]'), more: ping(0) },
    findings: ["shared_script"],
    shows: { fault: "both: script chk_gw fails", verdict: "nobody", owners: [] },
  },
  {
    name: "an instance was added on one host and forgotten on the other",
    a: {
      instances: `[vrrp.instance.VI_1]\ninterface = "eth0"\nvirtual_router_id = 51\npriority = 101\n${TRACKED}\nvirtual_ipaddress = ["192.0.2.100/24"]\n[vrrp.instance.VI_2]\ninterface = "eth1"\nvirtual_router_id = 52\npriority = 101\n${TRACKED}\nvirtual_ipaddress = ["198.51.100.100/24"]`,
    },
    b: ours(100),
    findings: ["unpaired"],
    shows: { fault: "a: host dead", verdict: "nobody", owners: [] },
  },
  {
    name: "a sync group on one host only: half of the addresses stay behind",
    a: twoMembers(101, 'sync_group = "edge"'),
    b: twoMembers(100, ""),
    findings: ["sync_group", "sync_group"],
    shows: null,
  },
];

/** Two virtual routers, on two interfaces. */
export function twoMembers(priority: number, lines: string): SideWishes {
  const member = (name: string, device: string, id: number, address: string): string =>
    `[vrrp.instance.${name}]\ninterface = "${device}"\nvirtual_router_id = ${id}\npriority = ${priority}\n${TRACKED}\nvirtual_ipaddress = ["${address}"]\n${lines}\n`;
  return {
    instances: member("VI_1", "eth0", 51, "192.0.2.100/24") + member("VI_2", "eth1", 52, "198.51.100.100/24"),
  };
}

/** Pairs as they should be: nothing is found, and no row goes wrong. */
export const SOUND: Readonly<Record<string, readonly [SideWishes, SideWishes]>> = {
  "101 and 100, the listen tracked with a weight": [ours(101), ours(100)],
  "with a password of eight bytes": [ours(101, password("12345678")), ours(100, password("12345678"))],
  "version 3 at 100 ms": [
    ours(101, 'version = 3\nadvert_int = "100ms"'),
    ours(100, 'version = 3\nadvert_int = "100ms"'),
  ],
  unicast: [
    ours(101, 'unicast_src_ip = "192.0.2.1"\nunicast_peer = ["192.0.2.2"]'),
    ours(100, 'unicast_src_ip = "192.0.2.2"\nunicast_peer = ["192.0.2.1"]'),
  ],
  IPv6: [
    ours(101, 'version = 3\nvirtual_ipaddress = ["fe80::100/64", "2001:db8::100/64"]'),
    ours(100, 'version = 3\nvirtual_ipaddress = ["fe80::100/64", "2001:db8::100/64"]'),
  ],
  "nopreempt, and what fails means FAULT": [
    { instance: 'priority = 101\nnopreempt = true\ntrack_listen = ["web"]' },
    { instance: 'priority = 100\nnopreempt = true\ntrack_listen = ["web"]' },
  ],
  "two listens, tracked with weights": [
    {
      instance: 'priority = 101\ntrack_listen = [{ name = "web", weight = -20 }, { name = "api", weight = -20 }]',
      listens: listen("web", 8000) + listen("api", 8001),
    },
    {
      instance: 'priority = 100\ntrack_listen = [{ name = "web", weight = -20 }, { name = "api", weight = -20 }]',
      listens: listen("web", 8000) + listen("api", 8001),
    },
  ],
  "both ping the gateway, with a weight": [
    { ...ours(101, 'track_script = ["chk_gw"]'), more: ping(-10) },
    { ...ours(100, 'track_script = ["chk_gw"]'), more: ping(-10) },
  ],
  "a sync group on both": [twoMembers(101, 'sync_group = "edge"'), twoMembers(100, 'sync_group = "edge"')],
  "two keepalived, high priorities, weight 0": [keepalived(254, 0, "", "MASTER"), keepalived(253, 0)],
  "ours beside a keepalived": [ours(254, "", "MASTER"), keepalived(253, 0)],
  preempt_delay: [ours(101, 'preempt_delay = "10s"', "BACKUP"), ours(100)],
};
