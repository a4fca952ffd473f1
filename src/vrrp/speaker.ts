import type { VrrpConfig, VrrpInstanceConfig } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import type { Level } from "../core/syslogCodes.ts";
import { InterfaceSysctls } from "../net/interfaceSysctl.ts";
import { LinkMonitor } from "../net/linkMonitor.ts";
import type { VrrpRelease, VrrpSnapshot, VrrpStateName } from "../stats/vrrpSnapshot.ts";
import type { RouterHandoff, VrrpHandoff } from "./handoff.ts";
import { identityOf, isSameRouter } from "./identity.ts";
import { type Host, Instance } from "./instance.ts";
import type { TrackerReport } from "./priority.ts";
import { instancesNamed } from "./release.ts";
import type { Remark, TransitionReport } from "./routerPorts.ts";
import type { StandInRouter } from "./standIn.ts";
import { SyncGroup } from "./syncGroup.ts";
import { type ServiceHealth, TrackerFeed } from "./trackerFeed.ts";

/** Who hears what the virtual routers do. */
export interface SpeakerObserver {
  /** The text names the instance. */
  onLog(level: Level, text: string, about: Remark & { readonly instance: string }): void;
  onTransition(instance: VrrpInstanceConfig, transition: TransitionReport): void;
  /** All members of a sync group are in this state now. */
  onGroup(group: string, state: VrrpStateName): void;
  /** A MASTER heard another one of lower rank. `priority` is our own. */
  onRival(instance: VrrpInstanceConfig, priority: number): void;
  /** A reload removed the instance; it has resigned. */
  onDeleted(instance: VrrpInstanceConfig, priority: number): void;
  /** A stop ended it. */
  onStopped(instance: VrrpInstanceConfig, priority: number): void;
  /** {@link Speaker.snapshot} says something new. */
  onChange(): void;
}

export interface SpeakerWorld {
  readonly clock: Clock;
  /** Stands in for `router_id`. */
  readonly hostName: string;
  readonly health: ServiceHealth;
  readonly observer: SpeakerObserver;
  /** How the routers stood in the program that was here before; null: nobody was. */
  readonly handoff: VrrpHandoff | null;
}

/** All virtual routers of this host: made from a configuration, fed with what this host knows of itself, shown as one. */
export class Speaker {
  private readonly host: Host;
  private readonly instances = new Map<string, Instance>();
  private groups: SyncGroup[] = [];
  private readonly groupStates = new Map<string, VrrpStateName>();
  private readonly feed: TrackerFeed;
  /** Names of the trackers that each router was told of. */
  private readonly tracked = new Map<string, ReadonlySet<string>>();
  private readonly stopFollowing: () => void;
  /** What an operator has taken out of the election, by instance: a reload may make one anew. */
  private readonly releases = new Map<string, VrrpRelease>();
  /** What the former program's trackers found, until ours have. */
  private readonly formerReports = new Map<string, readonly TrackerReport[]>();

  /** Starts everything; throws SystemError when the kernel lets us watch no interfaces. */
  constructor(
    private config: VrrpConfig,
    private readonly world: SpeakerWorld,
  ) {
    const monitor = LinkMonitor.open(world.clock);
    this.host = {
      clock: world.clock,
      monitor,
      sysctls: new InterfaceSysctls((ifindex) => monitor.link(ifindex)?.name ?? null, world.handoff?.settings),
    };
    this.stopFollowing = monitor.onChange(() => this.follow());
    this.feed = new TrackerFeed({ clock: world.clock, monitor, health: world.health }, (instance, reports) =>
      this.report(instance, reports),
    );
    const former = new Map(config.instances.map((instance) => [instance.name, formerOf(instance, world.handoff)]));
    for (const { name, released } of world.handoff?.instances ?? []) if (released) this.releases.set(name, released);
    for (const instance of config.instances) this.add(instance);
    for (const [name, router] of former) if (router !== null) this.formerReports.set(name, router.reports);
    this.feed.run(config);
    for (const [name, router] of former) if (router !== null) this.instances.get(name)?.resume(router);
    this.group();
    for (const instance of this.instances.values()) instance.start();
  }

  /** What another process is to send so that our MASTERs are taken for such while we say nothing. */
  standIn(): StandInRouter[] {
    return [...this.instances.values()].flatMap((instance) => instance.standIn() ?? []);
  }

  /** Every MASTER says so once more; then how all stand, for another program that takes our place right now. See {@link VirtualRouter.handOver}. */
  handOver(stoodInSeconds: number): VrrpHandoff {
    const instances = [...this.instances.values()].flatMap((instance) => instance.handOver(stoodInSeconds) ?? []);
    return { instances, settings: this.host.sysctls.before };
  }

  /** {@link ServiceHealth} answers otherwise than before. */
  healthChanged(): void {
    this.feed.changed();
  }

  snapshot(): VrrpSnapshot {
    const routerId = this.config.routerId ?? this.world.hostName;
    return { routerId, instances: [...this.instances.values()].map((instance) => instance.snapshot()) };
  }

  /** Applies another configuration: routers that stay the same keep their state. What changed, in words. */
  reload(config: VrrpConfig): string[] {
    const before = this.config;
    const after = new Map(config.instances.map((instance) => [instance.name, instance]));
    this.config = config;
    const stays = (old: VrrpInstanceConfig): boolean => {
      const now = after.get(old.name);
      return now !== undefined && isSameRouter(identityOf(old), identityOf(now));
    };
    const removed = before.instances.filter((old) => !stays(old));
    for (const old of removed) this.remove(old, !after.has(old.name));
    const changes = config.instances.flatMap((instance) => {
      const running = this.instances.get(instance.name);
      if (running !== undefined) return running.reconfigure(instance).map((change) => `${instance.name}: ${change}`);
      this.add(instance);
      return [`${instance.name}: added`];
    });
    this.feed.run(config);
    this.group();
    for (const instance of this.instances.values()) instance.start();
    return [...removed.map(({ name }) => `${name}: removed, it resigned first`), ...changes];
  }

  /** Instances with addresses that their host has for itself, of those that an order means which names `name`. */
  ownersAmong(name: string): string[] {
    return this.named(name).filter((each) => this.instances.get(each)?.keepsAddresses === true);
  }

  /**
   * Takes instances out of the election, or with null lets them take part again: an instance and those of its sync group, a
   * sync group, or "all". A MASTER has resigned and given its addresses back on return. The names of those meant.
   */
  setRelease(name: string, release: VrrpRelease | null): string[] {
    const names = this.named(name);
    for (const each of names) {
      if (release === null) this.releases.delete(each);
      else this.releases.set(each, release);
    }
    for (const each of names) this.instances.get(each)?.router.setRelease(release);
    return names;
  }

  private named(name: string): string[] {
    return instancesNamed(this.config, name).map((instance) => instance.name);
  }

  /** Every router resigns and gives its addresses back. All done on return. */
  stop(): void {
    this.stopFollowing();
    this.feed.stop();
    for (const instance of this.config.instances) {
      const running = this.instances.get(instance.name);
      running?.stop();
      this.world.observer.onStopped(instance, running?.router.priorityOf ?? 0);
    }
    this.host.monitor.close();
  }

  private add(config: VrrpInstanceConfig): void {
    const { observer } = this.world;
    const instance = new Instance(config, this.host, {
      onLog: (level, text, remark) =>
        observer.onLog(level, `${config.name}: ${text}`, { ...remark, instance: config.name }),
      onTransition: (transition) => {
        observer.onTransition(this.configOf(config), transition);
        this.watchGroups();
      },
      onPriorityChange: () => {},
      onRival: () => observer.onRival(this.configOf(config), instance.router.priorityOf),
      onChange: () => observer.onChange(),
    });
    this.instances.set(config.name, instance);
    const released = this.releaseOf(config);
    if (released !== null) instance.router.setRelease(released);
  }

  /** Its own; and whoever comes into a sync group that is out of the election is out of it as well. */
  private releaseOf({ name, syncGroup }: VrrpInstanceConfig): VrrpRelease | null {
    const members = this.config.instances.filter((each) => syncGroup !== null && each.syncGroup === syncGroup);
    const known = [name, ...members.map((member) => member.name)].flatMap((each) => this.releases.get(each) ?? []);
    return known[0] ?? null;
  }

  private remove(config: VrrpInstanceConfig, forGood: boolean): void {
    const instance = this.instances.get(config.name);
    if (instance === undefined) return;
    instance.stop();
    this.instances.delete(config.name);
    this.tracked.delete(config.name);
    if (forGood) this.releases.delete(config.name);
    if (forGood) this.world.observer.onDeleted(config, instance.router.priorityOf);
  }

  /** The configuration of an instance as it is now: a reload may have changed what it was made with. */
  private configOf(made: VrrpInstanceConfig): VrrpInstanceConfig {
    return this.config.instances.find(({ name }) => name === made.name) ?? made;
  }

  private report(name: string, reports: readonly TrackerReport[]): void {
    const router = this.instances.get(name)?.router;
    if (router === undefined) return;
    const former = this.formerReports.get(name) ?? [];
    const names = new Set(reports.map(({ tracker }) => tracker));
    for (const tracker of this.tracked.get(name) ?? []) if (!names.has(tracker)) router.removeTracker(tracker);
    this.tracked.set(name, names);
    for (const report of reports) router.setTracker(report.state === "unknown" ? knownBefore(report, former) : report);
  }

  private follow(): void {
    for (const instance of this.instances.values()) instance.follow();
    this.feed.changed();
    this.world.observer.onChange();
  }

  /** Groups that stay as they are stay untouched: leaving one, if for an instant only, would be a change of state. */
  private group(): void {
    const members = Map.groupBy(this.config.instances, ({ syncGroup }) => syncGroup);
    members.delete(null);
    const wanted = [...members].map(([name, configs]) => ({
      name: name as string,
      routers: configs.flatMap((config) => this.instances.get(config.name)?.router ?? []),
    }));
    const kept = this.groups.filter((group) =>
      wanted.some(({ name, routers }) => name === group.name && isSame(group.members, routers)),
    );
    const grouped = new Set(wanted.flatMap(({ routers }) => routers));
    for (const group of this.groups) if (!kept.includes(group)) group.dissolve(grouped);
    this.groups = wanted.map(
      ({ name, routers }) => kept.find((group) => group.name === name) ?? new SyncGroup(name, routers),
    );
    for (const name of this.groupStates.keys()) if (!members.has(name)) this.groupStates.delete(name);
  }

  /** Tells when the last member of a group has arrived in a state. */
  private watchGroups(): void {
    const groups = Map.groupBy(this.instances.values(), (instance) => instance.syncGroup);
    for (const [group, members] of groups) {
      const states = new Set(members.map(({ router }) => router.state));
      const [state] = states;
      if (group === null || state === undefined || states.size > 1 || this.groupStates.get(group) === state) continue;
      this.groupStates.set(group, state);
      if (state !== "INIT") this.world.observer.onGroup(group, state);
    }
  }
}

/** How this router stood in the former program; null: it is another one, or new. */
function formerOf(config: VrrpInstanceConfig, handoff: VrrpHandoff | null): RouterHandoff | null {
  const former = handoff?.instances.find(({ name }) => name === config.name);
  return former !== undefined && isSameRouter(former, identityOf(config)) ? former : null;
}

/** A tracker that has not answered yet counts as it did before. */
function knownBefore(report: TrackerReport, former: readonly TrackerReport[]): TrackerReport {
  return former.find(({ tracker }) => tracker === report.tracker) ?? report;
}

function isSame<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}
