import { Random } from "../lan/random.ts";
import { Segment } from "../lan/segment.ts";
import { World } from "../lan/world.ts";
import { PairHost } from "./host.ts";
import { BOTH, other, type Pair, type Side, type Subject, sourceOf, type Which } from "./pair.ts";

/** Longest way of a frame. */
const FRAME_DELAY_MS = 1;

/** Both hosts on a simulated network, with the virtual routers that really run. */
export class PairLan {
  readonly world = new World();
  readonly hosts: readonly [PairHost, PairHost];
  private readonly segments: readonly Segment[];

  constructor(
    readonly pair: Pair,
    readonly subjects: readonly Subject[],
  ) {
    const random = new Random(1);
    const networks = networksOf(subjects);
    const bySegment = new Map<string, Segment>();
    const segmentOf = (which: Which, device: string): Segment => {
      const network = networks(which, device);
      const segment = bySegment.get(network) ?? new Segment(this.world, random, FRAME_DELAY_MS);
      bySegment.set(network, segment);
      return segment;
    };
    const host = (which: Which): PairHost => {
      const side: Side = pair[which];
      const segments = side.vrrp.instances.map((instance) => segmentOf(which, instance.interface));
      const sources = side.vrrp.instances.map((instance) => {
        const subject = subjects.find(({ instances }) => instances[which] === instance);
        return sourceOf(pair, which, instance, subject?.instances[other(which)] ?? null);
      });
      return new PairHost(side, this.world, segments, sources);
    };
    this.hosts = [host(0), host(1)];
    this.segments = [...bySegment.values()];
  }

  /** Grows whenever somebody may have become an owner, or none. */
  get changes(): number {
    return this.hosts[0].node.changes + this.hosts[1].node.changes;
  }

  /** Frames on all networks so far. */
  get frames(): number {
    return this.segments.reduce((sum, { frames }) => sum + frames, 0);
  }

  /** Adverts of one host do not reach the other, or do again. */
  block(from: Which, blocked: boolean): void {
    const way = `${this.hosts[from].node.name}>${this.hosts[other(from)].node.name}`;
    for (const { cut } of this.segments) {
      if (blocked) cut.add(way);
      else cut.delete(way);
    }
  }

  /** Who answers for the addresses of a virtual router now. */
  owners({ instances }: Subject): Which[] {
    return BOTH.filter((which) => {
      const index = this.indexOf(which, instances[which]);
      const { node } = this.hosts[which];
      const port = node.ports[index];
      return port !== undefined && node.answers(port);
    });
  }

  /** The router of a virtual router on one host; undefined: it has none, or does not run. */
  router(which: Which, { instances }: Subject) {
    const { node } = this.hosts[which];
    return node.alive ? node.routers[this.indexOf(which, instances[which])] : undefined;
  }

  private indexOf(which: Which, instance: Subject["instances"][number]): number {
    return instance === null ? -1 : this.pair[which].vrrp.instances.indexOf(instance);
  }
}

/** Interfaces of the two hosts that belong to one virtual router are in one network. The name of each one's network. */
function networksOf(subjects: readonly Subject[]): (which: Which, device: string) => string {
  const names = new Map<string, string>();
  const nameOf = (key: string): string => {
    const name = names.get(key);
    return name === undefined || name === key ? key : nameOf(name);
  };
  for (const { instances } of subjects) {
    const [a, b] = instances;
    if (a === null || b === null) continue;
    const [mine, theirs] = [nameOf(`0 ${a.interface}`), nameOf(`1 ${b.interface}`)];
    if (mine !== theirs) names.set(theirs, mine);
  }
  return (which, device) => nameOf(`${which} ${device}`);
}
