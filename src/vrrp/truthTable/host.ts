import type { VrrpInstanceConfig } from "../../config/schema.ts";
import { parseIp } from "../../net/sockaddr.ts";
import { KEEPALIVED, OURS, SimNode } from "../lan/node.ts";
import type { Segment } from "../lan/segment.ts";
import type { World } from "../lan/world.ts";
import { type TrackedState, trackerReports } from "../trackerReports.ts";
import { listensBehind, type Side } from "./pair.ts";

/** Something that trackers look at and that may fail: "proxy", "listen web", "script chk", "interface eth1". */
export type Trouble = string;

const OK: TrackedState = { state: "ok", detail: "" };

/** One of the two hosts on the simulated network, with what is wrong on it, and what it has noticed of that. */
export class PairHost {
  readonly node: SimNode;
  /** What is so. */
  readonly truth = new Set<Trouble>();
  /** What its trackers have found. */
  private readonly noticed = new Set<Trouble>();
  /** The host as a whole answers nobody. */
  down = false;

  constructor(
    readonly side: Side,
    private readonly world: World,
    segments: readonly Segment[],
    sources: readonly string[],
  ) {
    const { instances, scripts } = side.vrrp;
    const habits = side.daemon === "keepalived" ? KEEPALIVED : OURS;
    this.node = new SimNode(side.name, world, instances, segments, sources.map(parseIp), habits);
    this.node.reportsOf = (instance) => trackerReports(instance, scripts, this.tracked());
    // keepalived counts a script that it cannot run as healthy; we do not.
    for (const { name, command } of side.daemon === "keepalived" ? [] : scripts) {
      if (side.programProblem(command[0] ?? "") !== null) this.noticed.add(`script ${name}`);
    }
  }

  /** Something fails, or is well again, and is noticed so much later. */
  set(trouble: Trouble, failed: boolean, noticedMs: number): void {
    if (failed) this.truth.add(trouble);
    else this.truth.delete(trouble);
    this.world.at(this.world.nowMs + noticedMs, () =>
      this.node.do(() => {
        if (failed) this.noticed.add(trouble);
        else this.noticed.delete(trouble);
        this.node.tellHealth();
      }),
    );
  }

  /** A new program knows nothing of former troubles, but finds them at once. */
  boot(): void {
    this.node.boot();
  }

  /** What keeps it from doing all of its work for the clients of a virtual router; in words. */
  impairments(instance: VrrpInstanceConfig): Trouble[] {
    const interfaces = [instance.interface, ...instance.trackInterface.map(({ name }) => name)];
    const concerning = [
      "proxy",
      ...listensBehind(this.side, instance).map(({ name }) => `listen ${name}`),
      ...instance.trackScript.map(({ name }) => `script ${name}`),
      ...interfaces.map((name) => `interface ${name}`),
    ];
    return [...(this.down ? ["host"] : []), ...concerning.filter((trouble) => this.truth.has(trouble))];
  }

  /** Whether clients of a virtual router would get anything at all here. */
  servesSomething(instance: VrrpInstanceConfig): boolean {
    const troubles = this.impairments(instance);
    if (troubles.some((trouble) => !trouble.startsWith("listen "))) return false;
    return troubles.length === 0 || troubles.length < listensBehind(this.side, instance).length;
  }

  private tracked(): Parameters<typeof trackerReports>[2] {
    const state = (trouble: Trouble, detail: string): TrackedState =>
      this.noticed.has(trouble) ? { state: "failed", detail } : OK;
    return {
      proxy: () => state("proxy", "does not serve"),
      listen: (name) =>
        this.noticed.has("proxy") ? state("proxy", "no working proxy") : state(`listen ${name}`, "no server is up"),
      interface: (name) => state(`interface ${name}`, "has no carrier"),
      script: (name) => state(`script ${name}`, ""),
      file: () => ({ value: 0, detail: "" }),
    };
  }
}
