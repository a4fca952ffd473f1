import type { VrrpInstanceConfig } from "../../../src/config/schema.ts";
import { parseIp } from "../../../src/net/sockaddr.ts";
import type { Port } from "../../../src/vrrp/lan/node.ts";
import { Random } from "../../../src/vrrp/lan/random.ts";
import { Segment } from "../../../src/vrrp/lan/segment.ts";
import { World } from "../../../src/vrrp/lan/world.ts";
import { leaseSeconds } from "../../../src/vrrp/leases.ts";
import { OWNER_PRIORITY } from "../../../src/vrrp/priority.ts";
import type { VirtualRouter } from "../../../src/vrrp/router.ts";
import { masterDownMs } from "../../../src/vrrp/timers.ts";
import { instanceConfig } from "./config.ts";
import { FAULTS, GENTLE_FAULTS } from "./faults.ts";
import { FrailNode } from "./host.ts";

const FRAME_DELAY_MS = 2;
/** Beyond this, routers shout at each other without end. */
const MOST_FRAMES = 20_000;

/** A network with its hosts, and what may be done to it. */
export interface Network {
  readonly world: World;
  readonly random: Random;
  readonly segments: readonly Segment[];
  readonly nodes: readonly FrailNode[];
  /** The longest of all. */
  readonly intervalMs: number;
}

interface Settings {
  readonly network: Network;
  /** Nothing happens that takes adverts or reaction times away from hosts that work. */
  readonly gentle: boolean;
  readonly settleMs: number;
  /** How long two hosts may answer for one address in gentle weather. */
  readonly overlapMs: number;
}

/** Plays one random schedule; throws with its story when a promise is broken. Returns the number of frames. */
export function playSchedule(seed: number): number {
  const settings = prepare(seed);
  const { network } = settings;
  const watch = new Watch(settings);
  try {
    play(settings, watch);
  } catch (error) {
    const story = network.nodes
      .flatMap((node) => node.transitions)
      .sort((a, b) => Number.parseFloat(a) - Number.parseFloat(b));
    const setup = network.nodes.map(({ name, configs: [config] }) => `${name} ${describe(config)}`);
    const at = (network.world.nowMs / 1000).toFixed(3);
    const text = error instanceof Error ? error.message : String(error);
    throw new Error(
      [
        `seed ${seed} (VRRP_SEED=${seed} replays it): ${text} at ${at} s`,
        ...setup,
        ...watch.happened,
        "",
        ...story,
      ].join("\n"),
      {
        cause: error,
      },
    );
  }
  return network.segments.reduce((sum, { frames }) => sum + frames, 0);
}

function play({ network, settleMs, gentle }: Settings, watch: Watch): void {
  const { world, random, nodes, intervalMs } = network;
  world.afterEach = () => watch.look();
  for (const node of nodes) world.at(random.between(0, random.chance(0.3) ? 1 : 3 * intervalMs), () => node.boot());
  const calmMs = world.nowMs + random.between(0, 8) * intervalMs;
  const endMs = calmMs + random.between(2, 12) * intervalMs;
  for (let left = 1 + random.below(6); left > 0; left -= 1) {
    const fault = random.pick(...(gentle ? GENTLE_FAULTS : FAULTS));
    const startMs = random.between(calmMs, endMs);
    world.at(startMs, () => {
      const { text, heal } = fault(network);
      const healMs = Math.min(endMs, world.nowMs + random.between(0.01, 7) * intervalMs);
      watch.happened.push(`${(world.nowMs / 1000).toFixed(3)} ${text} until ${(healMs / 1000).toFixed(3)}`);
      world.at(healMs, heal);
    });
  }
  world.runUntil(endMs);
  for (const node of nodes) node.boot();
  world.runUntil(endMs + settleMs);
  watch.settled = true;
  watch.look();
  world.runUntil(world.nowMs + 4 * intervalMs);
  world.afterEach = () => {};
  for (const node of nodes) node.shutDown();
  watch.mustBeOver();
}

/** Looks at everything after each event. */
class Watch {
  settled = false;
  readonly happened: string[] = [];
  private readonly masterSinceMs = new Map<VirtualRouter, number>();
  private readonly overlapSinceMs: (number | null)[];

  constructor(private readonly settings: Settings) {
    this.overlapSinceMs = settings.network.segments.map(() => null);
  }

  look(): void {
    const { nodes, segments, world } = this.settings.network;
    for (const node of nodes) {
      if (!node.alive || node.frozen !== "no") continue;
      for (const port of node.ports) this.lookAt(node, port);
      const states = new Set(node.routers.map(({ state }) => state));
      if (states.size > 1) throw new Error(`${node.name} is ${[...states].join(" and ")} in one sync group`);
    }
    for (const [index, segment] of segments.entries()) {
      if (segment.frames > MOST_FRAMES) throw new Error("a storm of adverts");
      const answering = nodes.filter((node) => node.answers(node.ports[index] as Port));
      if (this.settings.gentle) this.lookAtOverlap(index, contenders(answering, index), world.nowMs);
      if (this.settled) this.lookAtOwner(index, answering);
    }
  }

  mustBeOver(): void {
    for (const node of this.settings.network.nodes) {
      if (node.timers.size > 0) throw new Error(`${node.name} has ${node.timers.size} timers after its stop`);
      if (node.ports.some((port) => node.holds(port))) throw new Error(`${node.name} holds an address after its stop`);
    }
  }

  private lookAt(node: FrailNode, port: Port): void {
    const router = node.routers[port.index];
    if (router === undefined) return;
    const { state } = router;
    if (node.holds(port) && state !== "MASTER") throw new Error(`${node.name} holds an address in ${state}`);
    this.lookAtMove(node, router);
  }

  /** With nopreempt a MASTER that works keeps the addresses, once two that started together have settled it. */
  private lookAtMove(node: FrailNode, router: VirtualRouter): void {
    const { network, gentle } = this.settings;
    const { nowMs } = network.world;
    const sinceMs = this.masterSinceMs.get(router);
    if (router.state === "MASTER") this.masterSinceMs.set(router, sinceMs ?? nowMs);
    else if (sinceMs !== undefined) {
      this.masterSinceMs.delete(router);
      const cause = router.snapshot().lastTransition?.cause ?? "";
      const settled = nowMs - sinceMs > network.intervalMs;
      if (gentle && settled && node.configs[0]?.nopreempt && cause.includes("ranks higher")) {
        throw new Error(`${node.name} was preempted in spite of nopreempt`);
      }
    }
  }

  private lookAtOverlap(index: number, answering: number, nowMs: number): void {
    const sinceMs = this.overlapSinceMs[index] ?? null;
    if (answering < 2) this.overlapSinceMs[index] = null;
    else if (sinceMs === null) this.overlapSinceMs[index] = nowMs;
    else if (nowMs - sinceMs > this.settings.overlapMs) throw new Error(`two owners for ${nowMs - sinceMs} ms`);
  }

  private lookAtOwner(index: number, answering: readonly FrailNode[]): void {
    const { nodes } = this.settings.network;
    const masters = nodes.filter((node) => node.routers[index]?.state === "MASTER");
    const [owner] = answering;
    if (answering.length !== 1 || masters.length !== 1 || owner === undefined || owner !== masters[0]) {
      const names = (list: readonly FrailNode[]) => list.map(({ name }) => name).join(",") || "none";
      throw new Error(`owners ${names(answering)}, masters ${names(masters)} on segment ${index}`);
    }
    if (nodes.some(({ configs }) => configs[index]?.nopreempt)) return;
    const best = Math.max(...nodes.map((node) => node.routers[index]?.priorityOf ?? 0));
    if (owner.routers[index]?.priorityOf !== best) throw new Error(`${owner.name} is owner, but not the best`);
  }
}

/**
 * How many answer that should know better. A host that dies just before it would have been preempted is replaced within its
 * lease, as its successor cannot wait for both.
 */
function contenders(answering: readonly FrailNode[], index: number): number {
  if (answering.length < 2) return answering.length;
  const preempts = (node: FrailNode) =>
    node.alive && node.routers[index]?.snapshot().lastTransition?.cause.includes("lower priority");
  const isWorking = (node: FrailNode) => node.alive && node.frozen === "no";
  return answering.some(preempts)
    ? answering.filter((node) => isWorking(node) || preempts(node)).length
    : answering.length;
}

function prepare(seed: number): Settings {
  const random = new Random(seed);
  const world = new World();
  const gentle = random.chance(0.3);
  const version = random.pick(2 as const, 3 as const);
  const family = version === 3 && random.chance(0.3) ? 6 : 4;
  const groupSize = random.chance(0.2) ? 2 : 1;
  const unicast = random.chance(0.25);
  const intervals = version === 2 ? [1000] : gentle || random.chance(0.8) ? [random.pick(100, 1000)] : [100, 200, 1000];
  const downTimerAdverts = random.pick(3, 3, 3, 2, 5);
  const nopreempt = random.chance(0.2);
  const preemptDelayMs = random.chance(0.2) ? random.between(0, 5000) : 0;
  const count = 2 + random.below(4);
  const sameForAll = random.chance(0.1) ? 1 + random.below(254) : null;
  const segments = Array.from({ length: groupSize }, () => new Segment(world, random, FRAME_DELAY_MS));
  const hosts = Array.from({ length: count }, (_, index) =>
    family === 4 ? `192.0.2.${index + 1}` : `fe80::${index + 1}`,
  );
  const nodes = hosts.map((host, index) => {
    // An owner asks nobody, not even the lease of a dead one.
    const owner = groupSize === 1 && !gentle && random.chance(0.02);
    const priority = owner ? OWNER_PRIORITY : (sameForAll ?? 1 + random.below(254));
    const config = instanceConfig({
      priority,
      version,
      advertIntMs: random.pick(...intervals),
      downTimerAdverts,
      nopreempt,
      preemptDelayMs: nopreempt ? 0 : preemptDelayMs,
      authentication: version === 2 ? { type: "PASS", password: "secret" } : null,
      unicastPeers: unicast ? hosts.filter((other) => other !== host) : [],
      virtualIpAddresses: [{ address: family === 4 ? "192.0.2.100" : "fe80::100", prefixLength: 64 }],
      syncGroup: groupSize > 1 ? "edge" : null,
    });
    const sources = segments.map(() => parseIp(host));
    const configs = segments.map((_, member) => ({ ...config, name: `VI_${member}` }));
    return new FrailNode("ABCDE"[index] ?? "?", world, configs, segments, sources);
  });
  const intervalMs = Math.max(...intervals);
  const longestDownMs = masterDownMs({ version, priority: 1, downTimerAdverts }, intervalMs);
  const leaseMs = 1000 * leaseSeconds(downTimerAdverts, intervalMs);
  return {
    network: { world, random, segments, nodes, intervalMs },
    gentle,
    settleMs: 3 * longestDownMs + preemptDelayMs,
    overlapMs: 3 * FRAME_DELAY_MS + Math.max(0, leaseMs + intervalMs - downTimerAdverts * intervalMs),
  };
}

function describe(config: VrrpInstanceConfig | undefined): string {
  if (config === undefined) return "";
  const { version, priority, advertIntMs, downTimerAdverts, nopreempt, preemptDelayMs, syncGroup, unicastPeers } =
    config;
  return Object.entries({
    version,
    priority,
    advertIntMs,
    downTimerAdverts,
    nopreempt,
    preemptDelayMs,
    syncGroup,
    unicast: unicastPeers.length,
  })
    .map(([key, value]) => `${key}=${value}`)
    .join(" ");
}
