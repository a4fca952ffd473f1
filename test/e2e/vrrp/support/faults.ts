import { DEVICE, type Host, type Lan } from "./lan.ts";
import { type Node, pidsOf, signal } from "./node.ts";

/** SIGSTOP to every process of the host: what a paused virtual machine or a full disk looks like from outside. */
export async function freeze(host: Host): Promise<number[]> {
  const pids = await pidsOf(host);
  for (const pid of pids) signal(pid, "SIGSTOP");
  return pids;
}

/** SIGCONT to those that were frozen. */
export function thaw(pids: readonly number[]): void {
  for (const pid of pids) signal(pid, "SIGCONT");
}

/** SIGKILL to every process of the host. They are stopped first, so that none lives to see another die and say goodbye. */
export async function killEverything(host: Host): Promise<void> {
  const pids = await freeze(host);
  for (const pid of pids) signal(pid, "SIGKILL");
}

/** SIGKILL to the process that relays. */
export async function killProxy(node: Node): Promise<void> {
  signal(await node.proxyPid(), "SIGKILL");
}

/** Pulls the cable: the bridge's port goes down, and the host's interface loses its carrier. */
export async function pullCable(lan: Lan, host: Host): Promise<void> {
  await lan.wire.ip("link", "set", host.port, "down");
}

/** Plugs it in again. */
export async function plugCable(lan: Lan, host: Host): Promise<void> {
  await lan.wire.ip("link", "set", host.port, "up");
}

/** `ip link set eth0 up|down` on the host itself. */
export async function setLink(host: Host, state: "up" | "down"): Promise<void> {
  await host.ns.ip("link", "set", DEVICE, state);
}

/** Takes the host off the switch: it keeps its carrier, and hears nobody. */
export async function isolate(lan: Lan, host: Host): Promise<void> {
  await lan.wire.ip("link", "set", host.port, "nomaster");
}

/** Puts it back. */
export async function reunite(lan: Lan, host: Host): Promise<void> {
  await lan.wire.ip("link", "set", host.port, "master", "br0");
}
