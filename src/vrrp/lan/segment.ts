import { sameBytes } from "../../core/bytes.ts";
import { GROUP_IPV4, GROUP_IPV6 } from "../group.ts";
import type { Datagram } from "../ports.ts";
import type { Port, SimNode } from "./node.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

/** How bad the network is. */
export interface Weather {
  /** Probabilities for each receiver of a frame. */
  loss: number;
  duplication: number;
  /** A frame that is late by up to `lateMs`, and is overtaken by others. */
  delayed: number;
  lateMs: number;
}

/** One broadcast domain. */
export class Segment {
  readonly weather: Weather = { loss: 0, duplication: 0, delayed: 0, lateMs: 0 };
  /** "a>b": frames of a do not reach b. */
  readonly cut = new Set<string>();
  frames = 0;
  private readonly plugged: { node: SimNode; port: Port }[] = [];

  constructor(
    private readonly world: World,
    private readonly random: Random,
    /** Longest way of a frame in good weather. */
    private readonly delayMs: number,
  ) {}

  plug(node: SimNode, port: Port): void {
    this.plugged.push({ node, port });
  }

  /** Sends a frame; 0, or -ENETDOWN. */
  transmit(sender: SimNode, from: Port, destination: Uint8Array, payload: Uint8Array): number {
    if (!from.linkUp) return -100;
    this.frames += 1;
    const unicast = !sameBytes(destination, GROUP_IPV4) && !sameBytes(destination, GROUP_IPV6);
    const datagram: Datagram = { source: from.source, destination, ttl: 255, payload };
    for (const { node, port } of this.plugged) {
      // The kernel drops what has a source address of its own, whatever router of this host sent it.
      if (node === sender || (unicast && !sameBytes(port.source, destination))) continue;
      if (!node.isFor(port, payload)) continue;
      this.carry(sender, node, port, datagram);
      if (this.random.chance(this.weather.duplication)) this.carry(sender, node, port, datagram);
    }
    return 0;
  }

  private carry(sender: SimNode, receiver: SimNode, port: Port, datagram: Datagram): void {
    const { loss, delayed, lateMs } = this.weather;
    if (this.cut.has(`${sender.name}>${receiver.name}`) || this.random.chance(loss)) return;
    const late = this.random.chance(delayed) ? this.random.between(0, lateMs) : 0;
    this.world.at(this.world.nowMs + this.random.between(0.05, this.delayMs) + late, () =>
      receiver.arrive(port, datagram),
    );
  }
}
