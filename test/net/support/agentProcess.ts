import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { systemClock } from "../../../src/core/clock.ts";
import { addAddress, dumpAddresses, removeAddress } from "../../../src/net/address.ts";
import { type HeldSettings, type InterfaceSettings, InterfaceSysctls } from "../../../src/net/interfaceSysctl.ts";
import { LinkMonitor } from "../../../src/net/linkMonitor.ts";
import type { Change } from "../../../src/net/linkTable.ts";
import { createMacvlan, deleteMacvlan, probeMacvlan } from "../../../src/net/macvlan.ts";

/** Our netlink code in a process of its own, so that it can live in a namespace; told what to do by agent.ts over IPC. */

let monitor: LinkMonitor | null = null;
const changes: Change[] = [];
const sysctls = new InterfaceSysctls((ifindex) => opened().link(ifindex)?.name ?? null);
const held: HeldSettings[] = [];

function opened(): LinkMonitor {
  if (monitor === null) throw new Error("the monitor is not open");
  return monitor;
}

const calls = {
  addAddress,
  removeAddress,
  dumpAddresses,
  createMacvlan,
  deleteMacvlan,
  probeMacvlan,
  open(receiveBufferBytes?: number): void {
    monitor = LinkMonitor.open(systemClock, receiveBufferBytes);
    monitor.onChange((change) => changes.push(change));
  },
  close: () => opened().close(),
  links: () => opened().links(),
  linkByName: (name: string) => opened().linkByName(name),
  addressesOf: (ifindex: number) => opened().addressesOf(ifindex),
  hasAddress: (ifindex: number, address: Uint8Array) => opened().hasAddress(ifindex, address),
  sourceFor: (ifindex: number, family: 4 | 6, except: Uint8Array[]) => opened().sourceFor(ifindex, family, except),
  /** What observers heard since the last look. */
  takeChanges: () => changes.splice(0),
  /** Has others change things while this process can hear nothing, then looks itself. */
  refreshAfter(command: string[]): boolean {
    Bun.spawnSync(command);
    const before = changes.length;
    opened().refresh();
    return changes.length > before;
  },
  /** Has others change things while this process can hear nothing. */
  blockDuring(command: string[]): void {
    Bun.spawnSync(command);
  },
  /** Netlink sockets of this process. */
  openNetlinkSockets(): number {
    const netlink = readFileSync("/proc/self/net/netlink", "latin1");
    const inodes = new Set(netlink.split("\n").map((line) => line.trim().split(/\s+/).at(-1)));
    return readdirSync("/proc/self/fd").filter((fd) => inodes.has(socketInode(fd))).length;
  },
  hold(ifindex: number, settings: InterfaceSettings): number {
    held.push(sysctls.hold(ifindex, settings));
    return held.length - 1;
  },
  release: (which: number) => held[which]?.release(),
};

function socketInode(fd: string): string | undefined {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1] ?? "none";
  } catch {
    return "none"; // the directory's own
  }
}

/** What the process can be asked to do. */
export type AgentCalls = typeof calls;

/** One call; answered with the same id. */
export interface AgentRequest {
  id: number;
  name: keyof AgentCalls;
  args: unknown[];
}

export type AgentReply = { id: number } & ({ result: unknown } | { failure: string });

process.on("message", ({ id, name, args }: AgentRequest) => {
  let reply: AgentReply;
  try {
    reply = { id, result: (calls[name] as (...given: unknown[]) => unknown)(...args) };
  } catch (failure) {
    reply = { id, failure: Bun.inspect(failure) };
  }
  process.send?.(reply);
});
process.on("disconnect", () => process.exit(0));
