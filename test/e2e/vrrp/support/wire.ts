import { readFileSync } from "node:fs";
import { join } from "node:path";
import { tmpDir } from "../../../support/tmp.ts";
import { type UntilOptions, until } from "../../../support/until.ts";
import { type Advert, type Arp, type NeighbourAdvert, readPcap, type Seen } from "./frames.ts";
import type { Host, Lan } from "./lan.ts";

/** Everything that crosses the bridge and concerns VRRP, in order of arrival. */
export interface Wire {
  seen(): Seen[];
  adverts(wanted?: WantedAdvert): Advert[];
  /** Unasked news about where an address is, at or after `sinceMs`: gratuitous ARP, or neighbour advertisements to all. */
  announcements(address: string, sinceMs?: number): (Arp | NeighbourAdvert)[];
  /** Waits for the first advert that fits. */
  waitForAdvert(wanted: WantedAdvert, options?: UntilOptions): Promise<Advert>;
}

/** Which adverts: of a host, at or after a time (epoch ms), with a priority. */
export interface WantedAdvert {
  from?: Host;
  sinceMs?: number;
  priority?: number;
}

/** Of ff02::1 (RFC 2464 §7). */
const ALL_NODES_MAC = "33:33:00:00:00:01";

const FILTER = "arp or ip proto 112 or ip6 proto 112 or (icmp6 and ip6[40] == 136)";

/** Starts recording the LAN's bridge; the stamps are the kernel's. Ends with the test. */
export async function record(lan: Lan): Promise<Wire> {
  const file = join(tmpDir(), "wire.pcap");
  // -Z: the directory is root's alone, and tcpdump would become another user before it opens the file.
  const tcpdump = ["tcpdump", "-i", "br0", "-n", "-U", "--immediate-mode", "-Z", "root", "-w", file, FILTER];
  const running = lan.wire.start(tcpdump);
  await running.waitFor("listening on");

  const seen = (): Seen[] => readPcap(readFileSync(file));
  const adverts: Wire["adverts"] = ({ from, sinceMs = 0, priority } = {}) =>
    seen().filter(
      (frame): frame is Advert =>
        frame.kind === "advert" &&
        frame.atMs >= sinceMs &&
        (from === undefined || frame.mac === from.mac || frame.source === from.address) &&
        (priority === undefined || frame.priority === priority),
    );
  const waitForAdvert: Wire["waitForAdvert"] = (wanted, options) =>
    until(
      `an advert of ${wanted.from?.name ?? "anybody"} with priority ${wanted.priority ?? "any"}`,
      () => adverts(wanted)[0],
      options,
    );
  return {
    seen,
    adverts,
    announcements: (address, sinceMs = 0) =>
      seen().filter(
        (frame): frame is Arp | NeighbourAdvert =>
          frame.atMs >= sinceMs &&
          ((frame.kind === "arp" && frame.sender === address && frame.target === address) ||
            (frame.kind === "na" && frame.target === address && frame.to === ALL_NODES_MAC)),
      ),
    waitForAdvert,
  };
}

/** The longest time between two neighbours of a list of adverts, in ms; 0 for fewer than two. */
export function longestPauseMs(adverts: readonly Advert[]): number {
  return Math.max(0, ...adverts.slice(1).map((advert, i) => advert.atMs - (adverts[i]?.atMs ?? advert.atMs)));
}
