import type { VrrpInstanceConfig } from "../config/schema.ts";
import type {
  VrrpCounters,
  VrrpInstanceSnapshot,
  VrrpRelease,
  VrrpTransition,
  VrrpWaiting,
} from "../stats/vrrpSnapshot.ts";
import { formatAddress } from "./address.ts";
import { addressFamily } from "./adverts.ts";
import type { Weighing } from "./priority.ts";
import type { RouterPorts } from "./routerPorts.ts";
import { type MachineConfig, masterIntervalMs, type RouterState, stateName } from "./states.ts";
import { masterDownMs } from "./timers.ts";
import type { Peer } from "./transitions.ts";

/** All that a snapshot is made of. */
export interface SnapshotParts {
  readonly config: VrrpInstanceConfig;
  readonly machine: MachineConfig;
  readonly state: RouterState;
  readonly changedAtMs: number;
  readonly lastTransition: VrrpTransition | null;
  readonly released: VrrpRelease | null;
  readonly weighing: Weighing;
  readonly faults: readonly string[];
  readonly peer: Peer | null;
  readonly counters: VrrpCounters;
  readonly rejected: Readonly<Record<string, number>>;
}

/** A virtual router as plain JSON. */
export function takeRouterSnapshot(
  parts: SnapshotParts,
  { clock, present, rivals }: RouterPorts,
): VrrpInstanceSnapshot {
  const { config, machine, state, weighing, peer } = parts;
  const nowMs = clock.nowMs();
  const shown = (excluded: boolean) => (ip: { readonly address: string; readonly prefixLength: number }) => {
    const address = `${ip.address}/${ip.prefixLength}`;
    return { address, excluded, present: present(address) };
  };
  return {
    name: config.name,
    interface: config.interface,
    virtualRouterId: config.virtualRouterId,
    version: config.version,
    family: addressFamily(config),
    state: stateName(state),
    inStateMs: Math.round(nowMs - parts.changedAtMs),
    lastTransition: parts.lastTransition,
    syncGroup: config.syncGroup,
    released: parts.released,
    waiting: waiting(state, machine, nowMs),
    priority: {
      base: config.priority,
      total: weighing.total,
      effective: weighing.effective,
      parts: [...weighing.parts],
    },
    faults: [...parts.faults, ...waitedFor(state, weighing)],
    addresses: [...config.virtualIpAddresses.map(shown(false)), ...config.virtualIpAddressesExcluded.map(shown(true))],
    advertIntMs: config.advertIntMs,
    masterDownMs: masterDownMs(machine, masterIntervalMs(state, machine)),
    peer: peer && {
      address: formatAddress(peer.source),
      priority: peer.priority,
      intervalMs: peer.intervalMs,
      agoMs: Math.round(nowMs - peer.heardAtMs),
    },
    rivals: rivals(),
    counters: { ...parts.counters },
    rejected: { ...parts.rejected },
  };
}

function waiting(state: RouterState, { preempt, held }: MachineConfig, nowMs: number): VrrpWaiting | null {
  if (state.kind !== "backup") return null;
  const until = (atMs: number | null): number | null => (atMs === null ? null : Math.max(0, Math.round(atMs - nowMs)));
  const preemptInMs = until(state.preemptAtMs);
  return {
    takeoverInMs: held ? null : until(state.downAtMs),
    preempt,
    preemptInMs: preemptInMs === 0 ? null : preemptInMs,
  };
}

function waitedFor({ kind }: RouterState, { waiting }: Weighing): string[] {
  return kind === "init" || kind === "fault" ? waiting.map((tracker) => `${tracker} has not answered yet`) : [];
}
