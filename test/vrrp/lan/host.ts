import type { VrrpInstanceConfig } from "../../../src/config/schema.ts";
import { SimNode } from "../../../src/vrrp/lan/node.ts";
import type { Segment } from "../../../src/vrrp/lan/segment.ts";
import type { World } from "../../../src/vrrp/lan/world.ts";

/** A host whose first virtual router may be sick, and whose every one may be weak. */
export class FrailNode extends SimNode {
  healthy = true;
  weightOk = true;

  constructor(
    name: string,
    world: World,
    configs: readonly VrrpInstanceConfig[],
    segments: readonly Segment[],
    sources: readonly Uint8Array[],
  ) {
    super(name, world, configs, segments, sources);
    this.reportsOf = (_, index) => {
      const state = this.healthy || index > 0 ? ("ok" as const) : ("failed" as const);
      const bonus = this.weightOk ? ("ok" as const) : ("failed" as const);
      return [
        { tracker: "script chk", state, weight: 0, reverse: false, detail: "" },
        { tracker: "script bonus", state: bonus, weight: -30, reverse: false, detail: "" },
      ];
    };
  }
}
