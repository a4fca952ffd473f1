import { hostname } from "node:os";
import type { VrrpConfig, VrrpInstanceConfig } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import { Level } from "../core/syslogCodes.ts";
import type { NotifiedState, StateChange } from "../notify/event.ts";
import { Notifier, type NotifyConfig } from "../notify/notifier.ts";
import type { VrrpOrder } from "../proxy/protocol.ts";
import type { VrrpSnapshot, VrrpStateName } from "../stats/vrrpSnapshot.ts";
import type { VrrpHandoff } from "../vrrp/handoff.ts";
import type { TransitionReport } from "../vrrp/routerPorts.ts";
import { Speaker } from "../vrrp/speaker.ts";
import type { StandInRouter } from "../vrrp/standIn.ts";
import type { ServiceHealth } from "../vrrp/trackerFeed.ts";
import type { Happening } from "./chronicle.ts";
import { VrrpEvents } from "./vrrpEvents.ts";
import { carryOut, type OrderOutcome } from "./vrrpOrders.ts";

/** What the virtual IPs need of the supervisor. */
export interface VirtualIpWorld {
  readonly clock: Clock;
  readonly health: ServiceHealth;
  log(level: Level, text: string): void;
  /** A line of the log that tells an event. */
  note(level: Level, text: string, happening: Happening): void;
  /** Takes a new snapshot to whoever shows it. */
  show(snapshot: VrrpSnapshot): void;
  /** How the routers stood in the program that was here before; null: nobody was. */
  readonly handoff: VrrpHandoff | null;
}

/** Changes of one moment are shown together. */
const GATHER_MS = 20;
/** Counters and ages are shown no older than this. */
const SHOW_MS = 1000;
/** What scripts and mails of the end get, keepalived's second. */
const LAST_WORDS_MS = 1000;

/** The virtual IPs of this host: the VRRP speaker, and whom it tells. */
export class VirtualIps {
  private readonly speaker: Speaker;
  private readonly notifier: Notifier;
  private readonly events = new VrrpEvents();
  private cancelShow: (() => void) | null = null;
  private showSoon = false;
  private stopped = false;

  /** Starts everything; throws SystemError when the kernel refuses. */
  constructor(
    private config: VrrpConfig,
    private readonly world: VirtualIpWorld,
  ) {
    const { clock, health } = world;
    const log = (level: Level, text: string) => world.log(level, `VRRP ${text}`);
    this.notifier = new Notifier(notifyConfig(config), { clock, log });
    void this.notifier.start();
    this.speaker = new Speaker(config, {
      clock,
      hostName: hostname(),
      handoff: world.handoff,
      health,
      observer: {
        onLog: (level, text, { instance, ...remark }) => {
          log(level, text);
          if (level > Level.notice) return;
          const because = this.events.ofRemark(instance, level, remark);
          world.note(level, `VRRP ${text}`, {
            subject: { kind: "instance", instance },
            change: remark.change,
            because,
          });
        },
        onTransition: (instance, transition) => this.moved(instance, transition),
        onGroup: (group, state) => this.groupChanged(group, state),
        onRival: (instance, priority) => this.notifier.rival({ instance: instance.name, priority }, instance.notify),
        onDeleted: (instance, priority) => this.changed(instance, "DELETED", priority, "removed by a reload"),
        onStopped: (instance, priority) => this.changed(instance, "STOP", priority, "stopped"),
        onChange: () => this.showIn(GATHER_MS),
      },
    });
    this.showIn(0);
  }

  /** The proxy or one of its listens stands otherwise than before. */
  healthChanged(): void {
    this.speaker.healthChanged();
  }

  /** Applies another configuration; what changed, in words. Routers that stay keep their state. */
  reload(config: VrrpConfig): string[] {
    const { mail, notifyFifo } = this.config;
    this.config = config;
    // Instances that come are told of in the new way; those that go by what was there, if the new file has nothing for it.
    this.notifier.reconfigure(
      notifyConfig({ ...config, mail: config.mail ?? mail, notifyFifo: config.notifyFifo ?? notifyFifo }),
    );
    const changes = this.speaker.reload(config);
    this.notifier.reconfigure(notifyConfig(config));
    return changes;
  }

  /** Every router resigns but those of these names. */
  keepOnly(names: ReadonlySet<string>): void {
    this.speaker.reload({ ...this.config, instances: this.config.instances.filter(({ name }) => names.has(name)) });
  }

  /** A reload has no [vrrp] any more: every router is deleted. The promise is for the last scripts and mails. */
  disband(): Promise<void> {
    this.speaker.reload({ ...this.config, instances: [], scripts: [] });
    return this.stop();
  }

  /** What came of an operator's order. */
  order(order: VrrpOrder): Promise<OrderOutcome> {
    return carryOut(order, this.speaker, this.world.clock);
  }

  /** See {@link Speaker.standIn}. */
  standIn(): StandInRouter[] {
    return this.speaker.standIn();
  }

  /** Says once more who is MASTER, and how everything stands, for another program that takes our place right now. */
  handOver(stoodInSeconds: number): VrrpHandoff {
    return this.speaker.handOver(stoodInSeconds);
  }

  /** Resigns and gives the addresses back, before it returns; the promise is for the last scripts and mails. */
  stop(): Promise<void> {
    this.speaker.stop();
    // Once more, and never again: whoever comes after this one shows its own.
    this.world.show(this.speaker.snapshot());
    this.stopped = true;
    this.cancelShow?.();
    return this.notifier.stop(LAST_WORDS_MS);
  }

  /** For a proxy process that has just started and knows nothing of them. */
  show(): void {
    this.world.show(this.speaker.snapshot());
    this.showSoon = false;
    this.cancelShow?.();
    this.cancelShow = this.world.clock.after(SHOW_MS, () => this.show());
  }

  private showIn(delayMs: number): void {
    if (this.showSoon || this.stopped) return;
    this.showSoon = true;
    this.cancelShow?.();
    this.cancelShow = this.world.clock.after(delayMs, () => this.show());
  }

  private moved(instance: VrrpInstanceConfig, transition: TransitionReport): void {
    const { from, to, cause, priority } = transition;
    const { name, syncGroup } = instance;
    const level = to === "FAULT" ? Level.alert : from === "MASTER" ? Level.warning : Level.notice;
    const text = `VRRP ${name}: ${from} -> ${to}: ${cause}`;
    this.world.log(level, text);
    const others = this.config.instances.filter((other) => syncGroup !== null && other.syncGroup === syncGroup);
    const because = this.events.ofTransition(
      instance,
      others.map((other) => other.name).filter((other) => other !== name),
      transition,
    );
    this.world.note(level, text, { subject: { kind: "instance", instance: name }, change: to, because });
    if (to !== "INIT") this.changed(instance, to, priority, cause);
  }

  private changed(instance: VrrpInstanceConfig, state: NotifiedState, priority: number, cause: string): void {
    const change: StateChange = {
      kind: "INSTANCE",
      instance: instance.name,
      state,
      priority,
      cause,
      wallMs: this.world.clock.wallMs(),
    };
    this.notifier.changed(change, instance.notify, instance.mail);
  }

  private groupChanged(group: string, state: VrrpStateName): void {
    if (state === "INIT") return;
    this.world.log(Level.notice, `VRRP sync group ${group}: all members are ${state} now`);
    const change: StateChange = {
      kind: "GROUP",
      instance: group,
      state,
      priority: 0,
      cause: "",
      wallMs: this.world.clock.wallMs(),
    };
    this.notifier.changed(change, null, false);
  }
}

function routerId({ routerId }: VrrpConfig): string {
  return routerId ?? hostname();
}

function notifyConfig(config: VrrpConfig): NotifyConfig {
  return { routerId: routerId(config), notifyFifo: config.notifyFifo, mail: config.mail };
}
