import type { VrrpInstanceConfig } from "../../config/schema.ts";
import type { Clock } from "../../core/clock.ts";
import { parseIp } from "../../net/sockaddr.ts";
import { AddressAnnouncer } from "../announcer.ts";
import { GROUP_IPV4, GROUP_IPV6 } from "../group.ts";
import { LeasedAddresses, leaseSeconds } from "../leases.ts";
import type { Datagram } from "../ports.ts";
import type { TrackerReport } from "../priority.ts";
import { VirtualRouter } from "../router.ts";
import type { TransitionReport } from "../routerPorts.ts";
import { SyncGroup } from "../syncGroup.ts";
import type { Segment } from "./segment.ts";
import type { World } from "./world.ts";

/** A raw socket's buffer holds a few dozen adverts. */
const SOCKET_BUFFER_DATAGRAMS = 40;
const SHORTEST_TIMER_MS = 0.001;
const WALL_START_MS = Date.UTC(2026, 0, 1);

interface Timer {
  atMs: number;
  cancel: () => void;
  readonly fn: () => void;
}

/** What VRRP daemons do differently. */
export interface Habits {
  /** Addresses have a lifetime in the kernel: they go with the process that does not renew them. */
  readonly leases: boolean;
  /** After priority 0 from its only peer it does not wait for its whole skew. */
  readonly hurries: boolean;
}

/** This program. */
export const OURS: Habits = { leases: true, hurries: true };
/** keepalived, as far as its peer can tell. */
export const KEEPALIVED: Habits = { leases: false, hurries: false };

/** The kernel's side of one virtual router: what is queued on its socket, and how long its address lives. */
export interface Port {
  readonly index: number;
  readonly segment: Segment;
  readonly source: Uint8Array;
  /** The group, or every unicast peer. */
  readonly destinations: readonly Uint8Array[];
  readonly queue: Datagram[];
  /** Its interface has a carrier. */
  linkUp: boolean;
  heldUntilMs: number;
  cancelExpiry: () => void;
}

/** A host: a kernel that outlives the process, and the process with its virtual routers. Its parts but for kernel and time are real. */
export class SimNode {
  readonly ports: Port[];
  routers: VirtualRouter[] = [];
  /** stopped: SIGSTOP, the kernel goes on. paused: the whole machine stands still. */
  frozen: "no" | "stopped" | "paused" = "no";
  alive = false;
  /** Live timers of the process. */
  readonly timers = new Set<Timer>();
  readonly transitions: string[] = [];
  announcements = 0;
  /** Grows whenever {@link answers} may have become another for any of the ports. */
  changes = 0;
  /** What the trackers of a virtual router find now, told to each new process. */
  reportsOf: (config: VrrpInstanceConfig, index: number) => readonly TrackerReport[] = () => [];
  private late: { readonly run: () => void; readonly isTimer: boolean }[] = [];
  private frozenSinceMs = 0;
  private lostMs = 0;
  private wallAheadMs = 0;

  constructor(
    readonly name: string,
    private readonly world: World,
    public configs: readonly VrrpInstanceConfig[],
    segments: readonly Segment[],
    sources: readonly Uint8Array[],
    private readonly habits: Habits = OURS,
  ) {
    this.ports = segments.map((segment, index) => {
      const source = sources[index] as Uint8Array;
      const unicast = (configs[index]?.unicastPeers ?? []).map(parseIp);
      const group = source.length === 16 ? GROUP_IPV6 : GROUP_IPV4;
      const destinations = unicast.length > 0 ? unicast : [group];
      const port: Port = {
        ...{ index, segment, source, destinations, queue: [], linkUp: true, heldUntilMs: -1 },
        cancelExpiry: () => {},
      };
      segment.plug(this, port);
      return port;
    });
  }

  /** A new process. */
  boot(): void {
    if (this.alive) return;
    this.alive = true;
    for (const port of this.ports) port.queue.length = 0;
    this.routers = this.ports.map((port, index) => this.routerOf(port, this.configs[index] as VrrpInstanceConfig));
    this.group();
    this.tellHealth();
    for (const router of this.routers) router.start();
  }

  /** SIGKILL: the kernel keeps the addresses until their lease ends. */
  crash(): void {
    this.changes += 1;
    this.alive = false;
    for (const timer of this.timers) timer.cancel();
    this.timers.clear();
    this.late = [];
    this.frozen = "no";
  }

  /** A clean end. */
  shutDown(): void {
    if (!this.alive) return;
    for (const router of this.routers) router.stop();
    this.alive = false;
  }

  freeze(how: "stopped" | "paused"): void {
    if (this.frozen !== "no") return;
    this.changes += 1;
    this.frozen = how;
    this.frozenSinceMs = this.world.nowMs;
  }

  /**
   * @param monotonic whether the monotonic clock went on during a pause; else only the wall clock shows it
   * @param socketsFirst what the event loop looks at first
   */
  thaw(monotonic: boolean, socketsFirst: boolean): void {
    if (this.frozen === "no") return;
    this.changes += 1;
    const paused = this.frozen === "paused";
    this.frozen = "no";
    const lastedMs = this.world.nowMs - this.frozenSinceMs;
    if (paused && !monotonic) this.sleep(lastedMs);
    if (paused) for (const port of this.ports) this.hold(port, port.heldUntilMs + (monotonic ? 0 : lastedMs));
    if (socketsFirst) this.receive();
    for (const { run } of this.late.splice(0)) run();
    this.receive();
  }

  /** Something in the process: later if it is frozen, never if it is dead. */
  do(run: () => void): void {
    if (!this.alive) return;
    if (this.frozen === "no") run();
    else this.late.push({ run, isTimer: false });
  }

  /** Somebody sets the clock. */
  stepWall(ms: number): void {
    this.wallAheadMs += ms;
  }

  /** The host loses its power: nothing of it answers any more. */
  die(): void {
    this.crash();
    for (const port of this.ports) this.hold(port, -1);
  }

  /** An interface loses its carrier, or has it back. */
  setLink(name: string, up: boolean): void {
    this.changes += 1;
    for (const port of this.ports) if (this.configs[port.index]?.interface === name) port.linkUp = up;
    this.do(() => this.tellHealth());
  }

  /** The routers are told what is true of health and link. */
  tellHealth(): void {
    for (const [index, router] of this.routers.entries()) {
      const config = this.configs[index];
      for (const report of config === undefined ? [] : this.reportsOf(config, index)) router.setTracker(report);
      const ignored = this.ports[index]?.linkUp === true || config?.dontTrackPrimary === true;
      router.setFault("link", ignored ? null : `interface ${config?.interface ?? ""} has no carrier`);
    }
  }

  /** Somebody else on this host removes the address. */
  removeByHand(port: Port): void {
    if (port.heldUntilMs <= this.world.nowMs) return;
    this.hold(port, -1);
    this.do(() => this.routers[port.index]?.addressesMissing([this.addressOf(port)]));
  }

  /** The address is there, and the kernel answers for it. */
  answers(port: Port): boolean {
    return this.holds(port) && this.frozen !== "paused" && port.linkUp;
  }

  holds(port: Port): boolean {
    return port.heldUntilMs > this.world.nowMs;
  }

  /** Whether a datagram is for the virtual router on this port: the others would read it, and leave it at that. */
  isFor(port: Port, payload: Uint8Array): boolean {
    return payload[1] === this.configs[port.index]?.virtualRouterId;
  }

  /** The kernel queues what arrives. */
  arrive(port: Port, datagram: Datagram): void {
    if (!port.linkUp || this.frozen === "paused" || !this.alive) return;
    if (port.queue.length < SOCKET_BUFFER_DATAGRAMS) port.queue.push(datagram);
    if (this.frozen === "no") this.routers[port.index]?.received();
  }

  /** Time as this process sees it. */
  readonly clock: Clock = {
    nowMs: () => this.world.nowMs - this.lostMs,
    wallMs: () => WALL_START_MS + this.world.nowMs + this.wallAheadMs,
    after: (delayMs, fn) => {
      // No timer fires in no time: a rest of 1e-12 ms would come back for ever.
      const timer: Timer = { atMs: this.world.nowMs + Math.max(delayMs, SHORTEST_TIMER_MS), cancel: () => {}, fn };
      this.timers.add(timer);
      this.schedule(timer);
      return () => {
        timer.cancel();
        this.timers.delete(timer);
      };
    },
  };

  private schedule(timer: Timer): void {
    timer.cancel = this.world.at(timer.atMs, () => {
      const run = () => {
        // Cancelled or dead in the meantime.
        if (!this.timers.delete(timer)) return;
        timer.fn();
      };
      if (this.frozen === "no") run();
      else this.late.push({ run, isTimer: true });
    });
  }

  /** A pause that the monotonic clock does not show: every timer is as far away as it was. */
  private sleep(lastedMs: number): void {
    this.lostMs += lastedMs;
    this.late = this.late.filter(({ isTimer }) => !isTimer);
    for (const timer of this.timers) {
      timer.cancel();
      timer.atMs += lastedMs;
      this.schedule(timer);
    }
  }

  private receive(): void {
    for (const router of this.routers) if (this.alive) router.received();
  }

  private hold(port: Port, untilMs: number): void {
    port.cancelExpiry();
    const held = this.holds(port);
    port.heldUntilMs = untilMs;
    if (held !== this.holds(port)) this.changes += 1;
    if (untilMs <= this.world.nowMs || untilMs === Number.POSITIVE_INFINITY) return;
    port.cancelExpiry = this.world.at(untilMs, () => {
      this.changes += 1;
      this.do(() => this.routers[port.index]?.addressesMissing([this.addressOf(port)]));
    });
  }

  /** One stands for all of a virtual router. */
  private addressOf({ index }: Port): string {
    const [first] = this.configs[index]?.virtualIpAddresses ?? [];
    return first === undefined ? "its address" : `${first.address}/${first.prefixLength}`;
  }

  private group(): void {
    const members = Map.groupBy(this.routers, (_, index) => this.configs[index]?.syncGroup ?? null);
    for (const [group, routers] of members) if (group !== null) new SyncGroup(group, routers);
  }

  private routerOf(port: Port, config: VrrpInstanceConfig): VirtualRouter {
    const { clock } = this;
    const lease = {
      text: this.addressOf(port),
      hold: (seconds: number) => {
        this.hold(port, this.habits.leases ? this.world.nowMs + seconds * 1000 : Number.POSITIVE_INFINITY);
        return 0;
      },
      release: () => {
        this.hold(port, -1);
        return 0;
      },
    };
    const seconds = leaseSeconds(config.downTimerAdverts, config.advertIntMs);
    const count = () => {
      this.announcements += 1;
    };
    return new VirtualRouter(config, {
      clock,
      transport: {
        source: port.source,
        destinations: port.destinations,
        send: (destination, message) => port.segment.transmit(this, port, destination, message),
        receive: (deliver) => {
          for (let next = port.queue.shift(); next !== undefined; next = port.queue.shift()) deliver(next);
        },
      },
      addresses: new LeasedAddresses(clock, [lease], seconds, () => {}),
      announcer: new AddressAnnouncer(clock, config.garp, () => [{ family: 4, send: count }]),
      observer: {
        onTransition: (report) => this.note(port, report),
        onLog: () => {},
        onPriorityChange: () => {},
        onRival: () => {},
        onChange: () => {},
      },
      present: () => this.holds(port),
      rivals: () => [],
      hurries: this.habits.hurries,
    });
  }

  private note(port: Port, { from, to, cause }: TransitionReport): void {
    const at = (this.world.nowMs / 1000).toFixed(3);
    this.transitions.push(`${at} ${this.name}${port.index} ${from} > ${to}: ${cause}`);
  }
}
