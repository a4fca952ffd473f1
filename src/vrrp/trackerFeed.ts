import type { VrrpConfig, VrrpInstanceConfig, VrrpScriptConfig } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import type { LinkMonitor } from "../net/linkMonitor.ts";
import type { TrackerReport } from "./priority.ts";
import { type TrackedState, trackerReports } from "./trackerReports.ts";
import { FileTracker } from "./trackers/fileTracker.ts";
import { ScriptTracker } from "./trackers/scriptTracker.ts";

/** How the service on this host stands: what no other VRRP daemon can track. */
export interface ServiceHealth {
  /** The proxy itself: failed while no proxy process serves. */
  proxy(): TrackedState;
  /** A listen: failed while it has servers and none of them can take sessions. */
  listen(name: string): TrackedState;
}

/** What the trackers look at. */
export interface TrackerWorld {
  readonly clock: Clock;
  readonly monitor: LinkMonitor;
  readonly health: ServiceHealth;
}

/** Runs what the instances of a configuration track, each script and file once, and reports to each instance in its own weights. */
export class TrackerFeed {
  private readonly scripts = new Map<string, { readonly config: VrrpScriptConfig; readonly tracker: ScriptTracker }>();
  private readonly files = new Map<string, FileTracker>();
  /** What a script said last, which holds until its successor of a reload has said something. */
  private readonly lastResults = new Map<string, TrackedState>();
  private config: VrrpConfig | null = null;

  /** @param onReport called with all reports of one instance whenever any of them may have changed */
  constructor(
    private readonly world: TrackerWorld,
    private readonly onReport: (instance: string, reports: readonly TrackerReport[]) => void,
  ) {}

  /**
   * Tells every instance what it tracks, unknown as it may be, and begins to look. Called again with another configuration,
   * what that has unchanged goes on.
   */
  run(config: VrrpConfig): void {
    this.config = config;
    const { instances, scripts } = config;
    const used = new Set(instances.flatMap(({ trackScript }) => trackScript.map(({ name }) => name)));
    const wanted = new Map(scripts.filter(({ name }) => used.has(name)).map((script) => [script.name, script]));
    for (const [name, running] of this.scripts) {
      if (Bun.deepEquals(running.config, wanted.get(name))) continue;
      void running.tracker.stop();
      this.scripts.delete(name);
      if (!wanted.has(name)) this.lastResults.delete(name);
    }
    const paths = new Set(instances.flatMap(({ trackFile }) => trackFile.map(({ file }) => file)));
    for (const [path, tracker] of this.files) {
      if (paths.has(path)) continue;
      tracker.stop();
      this.files.delete(path);
    }
    const fresh = [
      ...[...wanted.values()].filter(({ name }) => !this.scripts.has(name)).map((script) => this.makeScript(script)),
      ...[...paths].filter((path) => !this.files.has(path)).map((path) => this.makeFile(path)),
    ];
    this.tell(() => true);
    for (const tracker of fresh) tracker.start();
  }

  /** Looks no more; scripts that run are ended. */
  stop(): void {
    for (const { tracker } of this.scripts.values()) void tracker.stop();
    for (const tracker of this.files.values()) tracker.stop();
  }

  /** The proxy, its listens or the interfaces of this host changed. */
  changed(): void {
    this.tell(({ trackProxy, trackListen, trackInterface }) => {
      return trackProxy !== null || trackListen.length > 0 || trackInterface.length > 0;
    });
  }

  private makeScript(config: VrrpScriptConfig): ScriptTracker {
    const { name } = config;
    const tracker = new ScriptTracker(config, this.world.clock, (result) => {
      this.lastResults.set(name, result);
      this.tell(({ trackScript }) => trackScript.some((use) => use.name === name));
    });
    this.scripts.set(name, { config, tracker });
    return tracker;
  }

  private makeFile(path: string): FileTracker {
    const tracker = new FileTracker(path, this.world.clock, () =>
      this.tell(({ trackFile }) => trackFile.some(({ file }) => file === path)),
    );
    this.files.set(path, tracker);
    return tracker;
  }

  private tell(concerned: (instance: VrrpInstanceConfig) => boolean): void {
    const instances = this.config?.instances ?? [];
    for (const instance of instances.filter(concerned)) this.onReport(instance.name, this.reportsOf(instance));
  }

  private reportsOf(instance: VrrpInstanceConfig): TrackerReport[] {
    const { health } = this.world;
    return trackerReports(instance, this.config?.scripts ?? [], {
      proxy: () => health.proxy(),
      listen: (name) => health.listen(name),
      interface: (name) => this.interfaceState(name),
      script: (name) => this.scriptState(name),
      file: (path) => this.files.get(path)?.value ?? null,
    });
  }

  private scriptState(name: string): TrackedState {
    const tracker = this.scripts.get(name)?.tracker;
    const result = tracker?.state === "unknown" ? this.lastResults.get(name) : tracker;
    return { state: result?.state ?? "unknown", detail: result?.detail ?? tracker?.detail ?? "" };
  }

  private interfaceState(name: string): TrackedState {
    const link = this.world.monitor.linkByName(name);
    if (link === null) return { state: "failed", detail: "does not exist" };
    if (!link.up) return { state: "failed", detail: "is down" };
    return link.running ? { state: "ok", detail: "" } : { state: "failed", detail: "has no carrier" };
  }
}
