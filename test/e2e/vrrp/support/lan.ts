import { type LinkEnd, lan, makeNetns, type Netns } from "../../../support/netns.ts";

/** The interface of every host. */
export const DEVICE = "eth0";

/** The addresses that the keepalived configurations of test/fixtures/vrrp/ were written for. */
export const VIP = "10.9.0.100";
export const VIP6 = "fd00:9::100";

/** A host on the LAN: a namespace with one interface. */
export interface Host {
  readonly name: "A" | "B" | "C";
  readonly ns: Netns;
  readonly address: string;
  readonly address6: string;
  /** Of its interface, in lower case. */
  readonly mac: string;
  /** The bridge's port that it hangs on, in the namespace `wire`. */
  readonly port: string;
}

/** One Ethernet with two routers and a client, as the captures of real keepalived were made on. */
export interface Lan {
  readonly a: Host;
  readonly b: Host;
  /** The client: it also runs the servers behind the proxies, and injects frames. */
  readonly c: Host;
  /** Namespace of the bridge `br0`. */
  readonly wire: Netns;
}

/** Makes the LAN; it goes away with the test, and every process in it. */
export async function makeLan(): Promise<Lan> {
  const names = ["A", "B", "C"] as const;
  const ends = await Promise.all(
    names.map(async (_, index): Promise<LinkEnd> => {
      const ns = await makeNetns();
      // Without duplicate address detection a link-local address is usable at once.
      await inProc(ns, "ipv6/conf/all/accept_dad", "0");
      await inProc(ns, "ipv6/conf/default/accept_dad", "0");
      return { ns, device: DEVICE, addresses: [`10.9.0.${index + 1}/24`, `fd00:9::${index + 1}/64`] };
    }),
  );
  const wire = await lan(ends);
  await wire.ip("link", "set", "br0", "type", "bridge", "mcast_snooping", "0");
  const host = async (index: 0 | 1 | 2): Promise<Host> => {
    const ns = ends[index]?.ns as Netns;
    return {
      name: names[index],
      ns,
      address: `10.9.0.${index + 1}`,
      address6: `fd00:9::${index + 1}`,
      mac: await macOf(ns, DEVICE),
      port: `port${index}`,
    };
  };
  const [a, b, c] = await Promise.all([host(0), host(1), host(2)]);
  return { a, b, c, wire };
}

async function macOf(ns: Netns, device: string): Promise<string> {
  const links = JSON.parse(await ns.ip("-j", "link", "show", device)) as { address: string }[];
  return links[0]?.address ?? "";
}

/** Sets a network sysctl by its path under /proc/sys/net. */
async function inProc(ns: Netns, path: string, value: string): Promise<void> {
  const done = await ns.run(["sh", "-c", `echo ${value} > /proc/sys/net/${path}`]);
  if (done.code !== 0) throw new Error(done.stderr);
}
