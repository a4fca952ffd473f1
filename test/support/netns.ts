import { atEnd } from "./cleanup.ts";
import { type Result, type Running, run, runOk, type StartOptions, start } from "./process.ts";
import { root, tool } from "./tools.ts";

let made = 0;

/** A network namespace of this test alone, with `lo` up. It goes away with the test, and its processes with it. */
export interface Netns {
  readonly name: string;
  /** The command line that runs `cmd` inside. */
  inside(cmd: readonly string[]): string[];
  /** Starts a process inside. */
  start(cmd: readonly string[], options?: StartOptions): Running;
  /** Runs a command inside to its end. */
  run(cmd: readonly string[], options?: StartOptions & { timeoutMs?: number }): Promise<Result>;
  /** `ip ARGS…` inside; throws when it fails. */
  ip(...args: string[]): Promise<string>;
}

/** One end of a link: a namespace, its interface there, and addresses in CIDR form. */
export interface LinkEnd {
  ns: Netns;
  /** Interface name, at most 15 characters; default "eth0". */
  device?: string;
  addresses: string[];
}

/** True when this machine lets us make namespaces; a "no" is recorded as a missing tool. For `test.skipIf(!canMakeNetns())`. */
export function canMakeNetns(): boolean {
  return tool("ip") !== null && root();
}

/** Makes a namespace; see `Netns`. Throws when not root. */
export async function makeNetns(): Promise<Netns> {
  const name = `hl-${process.pid}-${made++}`;
  await runOk(["ip", "netns", "add", name]);
  atEnd(async () => {
    // Processes that the test started inside and lost sight of would keep the namespace alive.
    const pids = (await run(["ip", "netns", "pids", name])).stdout.split("\n").filter(Boolean);
    for (const pid of pids) {
      try {
        process.kill(Number(pid), "SIGKILL");
      } catch {
        // ended meanwhile
      }
    }
    await runOk(["ip", "netns", "del", name]);
  });
  const ns: Netns = {
    name,
    inside: (cmd) => ["ip", "netns", "exec", name, ...cmd],
    start: (cmd, options) => start(ns.inside(cmd), options),
    run: (cmd, options) => run(ns.inside(cmd), options),
    ip: (...args) => runOk(["ip", "-n", name, ...args]),
  };
  await ns.ip("link", "set", "lo", "up");
  return ns;
}

/** Joins two namespaces with a veth pair, gives the addresses, and brings both ends up. */
export async function link(a: LinkEnd, b: LinkEnd): Promise<void> {
  const [deviceA, deviceB] = [a.device ?? "eth0", b.device ?? "eth0"];
  const peer = ["type", "veth", "peer", "name", deviceB, "netns", b.ns.name];
  await a.ns.ip("link", "add", deviceA, ...peer);
  await configure(a.ns, deviceA, a.addresses);
  await configure(b.ns, deviceB, b.addresses);
}

/** Joins any number of namespaces to one Ethernet: a bridge in a namespace of its own, which is returned. */
export async function lan(ends: readonly LinkEnd[]): Promise<Netns> {
  const wire = await makeNetns();
  await wire.ip("link", "add", "br0", "type", "bridge");
  await wire.ip("link", "set", "br0", "up");
  for (const [index, end] of ends.entries()) {
    const port = `port${index}`;
    await link({ ns: wire, device: port, addresses: [] }, end);
    await wire.ip("link", "set", port, "master", "br0");
  }
  return wire;
}

async function configure(ns: Netns, device: string, addresses: readonly string[]): Promise<void> {
  for (const address of addresses) {
    // Duplicate address detection would leave an IPv6 address unusable for the first second.
    await ns.ip("address", "add", address, "dev", device, ...(address.includes(":") ? ["nodad"] : []));
  }
  await ns.ip("link", "set", device, "up");
}
