import type { VrrpInstanceConfig } from "../config/schema.ts";
import { assertNever } from "../core/errors.ts";
import { Level } from "../core/syslogCodes.ts";
import { Once } from "../log/once.ts";
import type {
  VrrpCounters,
  VrrpInstanceSnapshot,
  VrrpRelease,
  VrrpStateName,
  VrrpTransition,
} from "../stats/vrrpSnapshot.ts";
import { Adverts, addressFamily } from "./adverts.ts";
import { addressesChange, changesBetween } from "./changes.ts";
import { Engine } from "./engine.ts";
import type { ResumedState, RouterHandoff } from "./handoff.ts";
import { Peers } from "./peers.ts";
import { OWNER_PRIORITY, prioritySum, reportSentence, type TrackerReport, type Weighing } from "./priority.ts";
import type { Remark, RouterPorts } from "./routerPorts.ts";
import { takeRouterSnapshot } from "./routerSnapshot.ts";
import { Standing } from "./standing.ts";
import { type Effect, isReady, type MachineConfig, type RouterEvent, type RouterState, stateName } from "./states.ts";
import { type Cause, causeSentence, type Peer, peerName, seconds, type Transition } from "./transitions.ts";

/** What a sync group does for its members, see syncGroup.ts. */
export interface GroupLink {
  /** Something happened; the group may move its members. */
  settle(): void;
  /** A member left MASTER for a reason of its own other than a fault. */
  leftMaster(member: VirtualRouter, cause: Cause): void;
}

/** Key of the stated fault that comes from the other members of a sync group. */
export const GROUP_FAULT = "sync group";

const CONFIGURED: Remark = { change: "priority", tracker: null };
const LOG_AGAIN_MS = 3_600_000;

/** One virtual router: tells the machine what happens, and does what it says. */
export class VirtualRouter {
  private phase: "new" | "running" | "stopped" = "new";
  private readonly engine: Engine;
  private readonly standing = new Standing();
  private readonly peers = new Peers();
  private readonly adverts: Adverts;
  private readonly once: Once;
  private weighing: Weighing;
  private group: GroupLink | null = null;
  private released: VrrpRelease | null = null;
  /** In the middle of {@link run}. */
  private awake = false;
  /** Both clocks when we last ran: when they disagree, the machine slept, or somebody set the clock. */
  private seen: { nowMs: number; wallMs: number };
  private changedAtMs: number;
  private lastTransition: VrrpTransition | null = null;
  private readonly counters: VrrpCounters = {
    advertsSent: 0,
    advertsReceived: 0,
    becameMaster: 0,
    releasedMaster: 0,
    priorityZeroSent: 0,
    priorityZeroReceived: 0,
    announcements: 0,
    sendErrors: 0,
    addressListMismatches: 0,
    addressesRestored: 0,
    stalls: 0,
  };

  constructor(
    private config: VrrpInstanceConfig,
    private readonly ports: RouterPorts,
  ) {
    const { clock, transport } = ports;
    this.once = new Once(clock, LOG_AGAIN_MS);
    this.adverts = new Adverts(config, transport, this.counters, this.once, (level, text, change) =>
      this.log(level, text, change),
    );
    this.engine = new Engine(clock, {
      config: () => this.machineConfig(),
      perform: (effect) => this.perform(effect),
      due: () => this.run(),
    });
    this.weighing = this.weigh();
    this.seen = { nowMs: clock.nowMs(), wallMs: clock.wallMs() };
    this.changedAtMs = this.seen.nowMs;
  }

  /**
   * Leaves INIT as soon as it may. Trackers of weight 0 that it is to wait for were told by {@link setTracker} before, as
   * "unknown". Addresses of an earlier life are removed.
   */
  start(): void {
    if (this.phase !== "new") return;
    this.phase = "running";
    this.ports.addresses.release();
    this.seen = this.clocks();
    this.apply(() => {});
  }

  /** In the place of {@link start}: goes on as this router stood in the program before this one. To be told of trackers first. */
  resume(former: RouterHandoff): void {
    if (this.phase !== "new") return;
    this.phase = "running";
    this.seen = this.clocks();
    this.changedAtMs = this.seen.nowMs - former.inStateMs;
    this.lastTransition = former.lastTransition;
    Object.assign(this.counters, former.counters);
    this.adverts.remember(former.dialects);
    this.weighing = this.weigh();
    this.handle({ kind: "resume", standing: former.standing });
    this.apply(() => {});
  }

  /** Adverts as a MASTER sends them, for somebody who sends them in our place; none unless it is MASTER. */
  advertsNow(): { destination: Uint8Array; message: Uint8Array }[] {
    return this.engine.state.kind === "master" ? this.adverts.messages(this.weighing.effective) : [];
  }

  /**
   * How it stands, for another program that takes our place at once; a MASTER says so once more, and holds its addresses for
   * as long as it is stood in for (`stoodInSeconds`) and a lease more. null: it has not begun.
   */
  handOver(stoodInSeconds: number): RouterHandoff | null {
    const standing = resumable(this.engine.state);
    if (standing === null) return null;
    if (standing.kind === "master") {
      this.perform({ kind: "advert" });
      this.ports.addresses.hold(stoodInSeconds);
    }
    const { name, virtualRouterId, useVmac } = this.config;
    return {
      name,
      interface: this.config.interface,
      virtualRouterId,
      useVmac,
      family: addressFamily(this.config),
      standing,
      inStateMs: this.ports.clock.nowMs() - this.changedAtMs,
      lastTransition: this.lastTransition,
      counters: this.counters,
      reports: this.standing.known,
      dialects: this.adverts.learned,
      released: this.released,
    };
  }

  /** Priority 0 to the peers, addresses off, timer off; for good. All is done on return. */
  stop(): void {
    this.handle({ kind: "stop" });
    this.phase = "stopped";
  }

  /** The transport may have something to read. */
  received(): void {
    this.run();
  }

  /** A tracker's result, also before {@link start}. A tracker is known by its name. */
  setTracker(report: TrackerReport): void {
    if (!this.standing.report(report)) return;
    this.apply(() => {}, reportSentence(report), { change: "priority", tracker: report.tracker });
  }

  /** A tracker that the configuration no longer has. */
  removeTracker(tracker: string): void {
    if (this.standing.forget(tracker)) this.apply(() => {}, `${tracker} is not tracked any more`);
  }

  /** A cause of FAULT that lasts until it is set to null: "interface eth0 is down". Also before {@link start}. */
  setFault(key: string, sentence: string | null): void {
    if (this.standing.state(key, sentence)) this.apply(() => {});
  }

  /** An operator takes it out of the election, or with null lets it take part again. Also before {@link start}. */
  setRelease(release: VrrpRelease | null): void {
    const set = (): void => {
      this.released = release;
    };
    const [by, change] =
      release === null ? ["resumed by an operator", "resumed"] : ["released by an operator", "released"];
    this.apply(set, by, { change, tracker: null });
    if (release !== null) this.handle({ kind: "release" });
    this.ports.observer.onChange();
  }

  /** What an operator has said last of its part in the election; null: it takes part. */
  get release(): VrrpRelease | null {
    return this.released;
  }

  /** These addresses are not on the interface; what that means depends on the state. */
  addressesMissing(list: readonly string[]): void {
    this.run();
    if (this.engine.state.kind !== "master" || list.length === 0) return;
    this.log(
      Level.warning,
      `${list.join(", ")} disappeared from ${this.config.interface} while MASTER: put back`,
      "restored",
    );
    this.handle({ kind: "addressesMissing" });
  }

  /**
   * Another configuration of the same virtual router: id, interface and family are the same. A MASTER stays MASTER. The
   * transport, the holder and the announcer are told first, by whoever owns them. Returns what changed, in words.
   */
  reconfigure(config: VrrpInstanceConfig): string[] {
    const before = this.config;
    const changes = changesBetween(before, config);
    if (changes.length === 0) return changes;
    this.apply(() => {
      this.config = config;
      this.adverts.configure(config);
    });
    if (this.engine.state.kind === "master") {
      this.perform({ kind: "advert" });
      if (addressesChange(before, config)) {
        this.perform({ kind: "hold" });
        this.perform({ kind: "announce" });
      }
    }
    return changes;
  }

  /** The instance's name. */
  get name(): string {
    return this.config.name;
  }

  /** Where it stands. */
  get state(): VrrpStateName {
    return stateName(this.engine.state);
  }

  /** The effective priority, 1..255. */
  get priorityOf(): number {
    return this.weighing.effective;
  }

  /** What keeps it in FAULT, in words. */
  get faults(): string[] {
    return this.standing.faults();
  }

  /** The priority, and how it came about. */
  get weighed(): Weighing {
    return this.weighing;
  }

  /** How it stands, in full. */
  snapshot(): VrrpInstanceSnapshot {
    const { config, changedAtMs, lastTransition, released, weighing, counters } = this;
    const machine = this.machineConfig();
    const { state } = this.engine;
    const faults = this.standing.faults();
    const peer = this.peers.last;
    const { rejected } = this.adverts;
    const parts = {
      config,
      machine,
      state,
      changedAtMs,
      lastTransition,
      released,
      weighing,
      faults,
      peer,
      counters,
      rejected,
    };
    return takeRouterSnapshot(parts, this.ports);
  }

  /** For its sync group: it would be MASTER, were it alone. */
  get isReady(): boolean {
    return isReady(this.engine.state);
  }

  /** For its sync group: faults that are not the group's. */
  get ownFaults(): string[] {
    return this.standing.faults(GROUP_FAULT);
  }

  /** From now on it becomes MASTER only when the group says so; null: on its own again. */
  join(group: GroupLink | null): void {
    this.apply(() => {
      this.group = group;
    });
  }

  /** The sync group: all are ready. */
  promote(): void {
    this.handle({ kind: "promote" });
  }

  /** The sync group: a member left MASTER, and so must this one. After a stall the peers are not told: they may be MASTER. */
  yieldWith(group: string, member: string, because: Cause): void {
    const cause: Cause = { kind: "group", group, member, because: causeSentence(because) };
    this.handle({ kind: "yield", cause, resign: because.kind !== "stalled" });
  }

  /** A change of what priority, timers and faults are made of; `because` is for the log, should the priority change. */
  private apply(change: () => void, because = "another configuration", remark: Remark = CONFIGURED): void {
    this.run();
    const was = this.machineConfig();
    change();
    this.weighing = this.weigh();
    if (this.phase !== "running") return;
    this.handle({ kind: "configured", was });
    if (was.priority !== this.weighing.effective) {
      this.logPriority(was.priority, because, remark);
      this.ports.observer.onPriorityChange(this.weighing.effective);
    }
    this.handle({ kind: "health", faults: this.standing.faults(), waiting: this.weighing.waiting });
    this.ports.observer.onChange();
  }

  /** In INIT nobody goes by it, and the line that ends INIT has the sum. */
  private logPriority(before: number, because: string, { change, tracker }: Remark): void {
    if (this.engine.state.kind === "init") return;
    const level = this.weighing.effective < before ? Level.warning : Level.notice;
    this.log(
      level,
      `priority ${prioritySum(this.config.priority, this.weighing)}; was ${before}: ${because}`,
      change,
      tracker,
    );
  }

  private weigh(): Weighing {
    return this.standing.weigh(this.config.priority, this.released !== null);
  }

  private machineConfig(): MachineConfig {
    const { version, advertIntMs, downTimerAdverts, nopreempt, preemptDelayMs, state } = this.config;
    // keepalived: neither nopreempt nor preempt_delay has an effect with the initial state MASTER.
    const eager = state === "MASTER";
    return {
      version,
      priority: this.weighing.effective,
      intervalMs: advertIntMs,
      downTimerAdverts,
      preempt: eager || !nopreempt,
      preemptDelayMs: eager ? 0 : preemptDelayMs,
      source: this.ports.transport.source,
      grouped: this.group !== null,
      held: this.released?.hold === true,
    };
  }

  /** Lateness first, then what is queued, and only then a deadline. */
  private run(): void {
    if (this.phase !== "running" || this.awake) return;
    this.awake = true;
    try {
      const before = this.seen;
      this.seen = this.clocks();
      const jumpMs = this.seen.wallMs - before.wallMs - (this.seen.nowMs - before.nowMs);
      this.handle({ kind: "wake", jumpMs });
      this.adverts.receive((source, { priority, intervalMs }) => {
        const peer = { source, priority, intervalMs, heardAtMs: this.seen.nowMs };
        this.peers.note(peer);
        this.handle({ kind: "advert", peer, alone: this.isAlone(peer) });
      });
      this.handle({ kind: "timer" });
    } finally {
      this.awake = false;
    }
  }

  private clocks(): { nowMs: number; wallMs: number } {
    const { clock } = this.ports;
    return { nowMs: clock.nowMs(), wallMs: clock.wallMs() };
  }

  private isAlone(peer: Peer): boolean {
    if (this.ports.hurries === false) return false;
    const { unicastPeers } = this.config;
    return unicastPeers.length > 0 ? unicastPeers.length === 1 : this.peers.isAlone(peer, peer.heardAtMs);
  }

  private handle(event: RouterEvent): void {
    if (this.phase !== "running") return;
    this.engine.handle(event);
    this.group?.settle();
  }

  private perform(effect: Effect): void {
    const { addresses, announcer } = this.ports;
    switch (effect.kind) {
      case "advert":
        this.adverts.send(this.weighing.effective);
        break;
      case "resign":
        this.adverts.send(0);
        this.adverts.send(0);
        break;
      case "hold":
        addresses.hold();
        break;
      case "release":
        announcer.stop();
        addresses.release();
        break;
      case "announce":
        announcer.becameMaster();
        break;
      case "resumed":
        announcer.resume();
        break;
      case "reassert":
        announcer.reassert();
        break;
      case "rival":
        this.meetRival(effect.peer);
        break;
      case "stalled":
        this.counters.stalls += 1;
        this.log(Level.warning, `stalled: timers ran ${seconds(effect.lateMs)} late, or the clock was set`, "stalled");
        break;
      case "restored":
        this.counters.addressesRestored += 1;
        break;
      case "transition":
        this.changed(effect);
        break;
      default:
        assertNever(effect);
    }
  }

  private meetRival(peer: Peer): void {
    // The last words of the one that we have just replaced.
    if (this.ports.clock.nowMs() - this.changedAtMs <= this.config.advertIntMs) return;
    this.once.logOnce(`rival ${peerName(peer)}`, () => {
      this.log(
        Level.warning,
        `${peerName(peer)} is MASTER as well and ranks lower: answered and announced again`,
        "rival",
      );
    });
    this.warnOfTwoOwners(peer);
    this.ports.observer.onRival(peer);
  }

  private warnOfTwoOwners(peer: Peer): void {
    if (this.weighing.effective !== OWNER_PRIORITY || peer.priority !== OWNER_PRIORITY) return;
    const text = `two routers have priority 255, here and ${peerName(peer)}: only one can own the addresses`;
    this.once.logOnce("two owners", () => this.log(Level.err, text, "twoOwners"));
  }

  private changed({ from, to, cause }: Transition): void {
    const { clock, observer } = this.ports;
    if (to === "MASTER") this.counters.becameMaster += 1;
    if (from === "MASTER") this.counters.releasedMaster += 1;
    if (cause.kind === "outranked") this.warnOfTwoOwners(cause.peer);
    const sentence = `${causeSentence(cause)}; priority ${prioritySum(this.config.priority, this.weighing)}`;
    this.lastTransition = { from, to, cause: sentence, wallMs: clock.wallMs() };
    this.changedAtMs = clock.nowMs();
    const why = {
      kind: cause.kind,
      trackers: cause.kind === "faults" ? this.standing.faulty : [],
      member: cause.kind === "group" ? cause.member : null,
    };
    observer.onTransition({ from, to, cause: sentence, priority: this.weighing.effective, why });
    observer.onChange();
    if (from === "MASTER" && to === "BACKUP" && cause.kind !== "group") this.group?.leftMaster(this, cause);
  }

  private log(level: Level, text: string, change: string, tracker: string | null = null): void {
    this.ports.observer.onLog(level, text, { change, tracker });
  }
}

/** A state that another program can go on in; null: INIT. */
function resumable(state: RouterState): ResumedState | null {
  if (state.kind === "init") return null;
  return state.kind === "backup"
    ? { kind: "backup", learnedIntervalMs: state.learnedIntervalMs }
    : { kind: state.kind };
}
