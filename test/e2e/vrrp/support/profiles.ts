import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startKeepalived } from "./keepalived.ts";
import { type Host, VIP, VIP6 } from "./lan.ts";
import type { Kind, Node } from "./node.ts";
import { startOurs } from "./ours.ts";

const FIXTURES = join(import.meta.dir, "../../../fixtures/vrrp");

/** One way of speaking VRRP, as keepalived's file and as our keys. */
export interface Profile {
  readonly name: string;
  readonly version: 2 | 3;
  readonly advertMs: number;
  /** The virtual address that tests follow. */
  readonly vip: string;
  /** What keepalived advertises while its script succeeds, by rank. */
  readonly priorities: Readonly<Record<Rank, number>>;
  /** True: keepalived's file looks for a running haproxy. */
  readonly needsHaproxy: boolean;
  /** Text of keepalived.conf. */
  keepalived(host: Host, rank: Rank): string;
  /** Lines of `[vrrp.instance.VI_1]`. */
  ours(host: Host, rank: Rank): string;
}

/** The router that should have the addresses, and the one that stands by. */
export type Rank = "first" | "second";

interface Wishes {
  name: string;
  file: string;
  version?: 2 | 3;
  advertMs?: number;
  vrid?: number;
  vips?: readonly string[];
  vip?: string;
  lines?: string;
  unicast?: boolean;
}

const PRIORITIES = { first: 101, second: 100 } as const;

function profile(wishes: Wishes): Profile {
  const { name, file, version = 2, advertMs = 1000, vrid = 51, vips = [VIP], vip = VIP, lines = "" } = wishes;
  return {
    name,
    version,
    advertMs,
    vip,
    priorities: PRIORITIES,
    needsHaproxy: false,
    keepalived: (host, rank) => secondOf(withInterval(fixture(file), advertMs), host, rank),
    ours: (host, rank) =>
      [
        `state = "${rank === "first" ? "MASTER" : "BACKUP"}"`,
        `virtual_router_id = ${vrid}`,
        `priority = ${PRIORITIES[rank]}`,
        `version = ${version}`,
        `advert_int = "${advertMs}ms"`,
        `virtual_ipaddress = ${JSON.stringify(vips)}`,
        wishes.unicast ? `unicast_src_ip = "${host.address}"\nunicast_peer = ["${peerAddress(host)}"]` : "",
        lines,
      ].join("\n"),
  };
}

/**
 * The classic set-up: version 2, PASS, `killall -0 haproxy` with weight 2. keepalived's file is unchanged but for its
 * address; so the second host has priority 101 too, 103 with its script, and the first host has to be ours with more.
 */
export const BLOG: Profile = {
  name: "v2 PASS, blog-style",
  version: 2,
  advertMs: 1000,
  vip: VIP,
  priorities: { first: 103, second: 103 },
  needsHaproxy: true,
  keepalived: (_, rank) => blog(rank === "first" ? "master" : "backup"),
  ours: (_, rank) =>
    [
      "virtual_router_id = 51",
      `priority = ${rank === "first" ? 110 : 100}`,
      'authentication = { type = "PASS", password = "myPassw0rd" }',
      `virtual_ipaddress = ["${VIP}"]`,
    ].join("\n"),
};

/**
 * The classic set-up as its author meant it, priorities 101 and 100, at any version and interval: what gaps are measured
 * with. Version 3 has no passwords. Ours has the same timers, and `track_listen` for what no script of theirs looks at.
 */
export function classic(version: 2 | 3, advertMs: number): Profile {
  const password = 'authentication = { type = "PASS", password = "myPassw0rd" }';
  return {
    name: `classic, v${version}, ${advertMs} ms`,
    version,
    advertMs,
    vip: VIP,
    priorities: { first: 103, second: 102 },
    needsHaproxy: true,
    keepalived: (_, rank) => {
      const meant = rank === "first" ? blog("master") : blog("backup").replace("priority 101", "priority 100");
      if (version === 2) return meant;
      const plain = meant.replace(/ *authentication \{[^}]*\}\n/, "");
      return plain.replace(/( *)priority/, `$1version 3\n$1advert_int ${advertMs / 1000}\n$1priority`);
    },
    ours: (_, rank) =>
      [
        "virtual_router_id = 51",
        `priority = ${PRIORITIES[rank]}`,
        `version = ${version}`,
        `advert_int = "${advertMs}ms"`,
        version === 2 ? password : "",
        `virtual_ipaddress = ["${VIP}"]`,
        'track_listen = ["tcp_service_a"]',
      ].join("\n"),
  };
}

export const V2: Profile = profile({ name: "v2 without authentication", file: "v2-noauth" });

export const V2_UNICAST: Profile = profile({
  name: "v2 unicast, PASS",
  file: "v2-unicast",
  unicast: true,
  lines: 'authentication = { type = "PASS", password = "s3cret" }',
});

export const V3: Profile = profile({
  name: "v3 IPv4, 100 ms",
  file: "v3-ipv4",
  version: 3,
  advertMs: 100,
  vips: [`${VIP}/24`, "10.9.0.101/24"],
});

export const V3_IPV6: Profile = profile({
  name: "v3 IPv6, 100 ms",
  file: "v3-ipv6",
  version: 3,
  advertMs: 100,
  vrid: 61,
  vips: ["fe80::100/64", `${VIP6}/64`],
  vip: VIP6,
});

export const V3_UNICAST: Profile = profile({
  name: "v3 unicast, 100 ms",
  file: "v3-unicast",
  version: 3,
  advertMs: 100,
  unicast: true,
});

/** The three pairings that have one of ours in it, first router first. */
export const PAIRINGS: readonly (readonly [Kind, Kind])[] = [
  ["haproxy-lite", "haproxy-lite"],
  ["haproxy-lite", "keepalived"],
  ["keepalived", "haproxy-lite"],
];

/** What a node gets beside its profile. */
export interface NodeWishes {
  /** "host:port" of the server behind the proxy. */
  server?: string;
}

/** Starts a node of either kind. */
export function startNode(
  kind: Kind,
  profile: Profile,
  host: Host,
  rank: Rank,
  wishes: NodeWishes = {},
): Promise<Node> {
  const { server } = wishes;
  if (kind === "haproxy-lite") return startOurs(host, { instance: profile.ours(host, rank), server });
  // The classic set-up without its haproxy would lose its 2 points.
  const behind = server ?? (profile.needsHaproxy ? "127.0.0.1:9" : undefined);
  return startKeepalived(host, { config: profile.keepalived(host, rank), server: behind });
}

/** What a file of test/fixtures/vrrp/ says. */
export function fixture(name: string): string {
  return readFileSync(join(FIXTURES, `keepalived-${name}.conf`), "utf8");
}

/** The classic configuration with its address filled in. */
export function blog(host: "master" | "backup"): string {
  return fixture(`blog-${host}`).replace("xxx.xxx.xxx.xxx", VIP);
}

function withInterval(config: string, advertMs: number): string {
  return config.replace(/advert_int .*/, `advert_int ${advertMs / 1000}`);
}

/** The fixtures are node A's of rank first; the other rank differs in state and priority, the other host in its addresses. */
function secondOf(config: string, host: Host, rank: Rank): string {
  const ranked =
    rank === "first" ? config : config.replace("state MASTER", "state BACKUP").replace("priority 101", "priority 100");
  if (host.name === "A") return ranked;
  return ranked
    .replace("unicast_src_ip 10.9.0.1", `unicast_src_ip ${host.address}`)
    .replace(/(unicast_peer \{\s+)10\.9\.0\.2/, `$1${peerAddress(host)}`);
}

function peerAddress(host: Host): string {
  return host.name === "A" ? "10.9.0.2" : "10.9.0.1";
}
