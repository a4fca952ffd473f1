import { ListenBoard } from "../../src/pool/board.ts";
import { WEIGHT_SCALE } from "../../src/pool/layout.ts";
import { buildRotation } from "../../src/pool/rotation.ts";

/** A server as tests write it. */
export interface TestServer {
  /** As in the file, 0..256. */
  weight: number;
  maxconn?: number;
  /** Sessions it holds already. */
  served?: number;
  /** Connections that wait for it already. */
  queued?: number;
}

/** A real board with these servers in slots 0, 1, …, as control would publish it. */
export function boardOf(servers: readonly TestServer[], threads = 1): ListenBoard {
  const board = ListenBoard.create(servers.length, threads);
  for (const [server, { weight, maxconn = 0, served = 0, queued = 0 }] of servers.entries()) {
    // Occupancy comes first, so that a server can stand above its limit, as after the limit was lowered.
    board.setServer(server, { weight: 0, maxconn: 0 });
    for (let i = 0; i < served; i++) board.reserve(server);
    if (queued > 0) board.addQueued(server, queued);
    board.setServer(server, { weight: weight * WEIGHT_SCALE, maxconn });
  }
  publishRotation(board, servers);
  return board;
}

/** Sets the weights of the servers anew and publishes the rotation that belongs to them. */
export function reweigh(board: ListenBoard, weights: readonly number[]): void {
  for (const [server, weight] of weights.entries())
    board.setServer(server, { weight: weight * WEIGHT_SCALE, maxconn: 0 });
  publishRotation(
    board,
    weights.map((weight) => ({ weight })),
  );
}

/** So many equal servers. */
export function equals(count: number): TestServer[] {
  return Array.from({ length: count }, () => ({ weight: 1 }));
}

/** Server names srv0, srv1, …. */
export function namesOf(servers: { length: number }): string[] {
  return Array.from({ length: servers.length }, (_, server) => `srv${server}`);
}

/** Client i of many: 10.x.y.z. */
export function clientOf(i: number): Uint8Array {
  return Uint8Array.of(10, (i >> 16) & 255, (i >> 8) & 255, i & 255);
}

/** Repeatable uniform numbers in [0, 1) (a Weyl sequence through a multiplicative hash); one seed, one sequence. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
    value = Math.imul(value ^ (value >>> 12), 0x297a2d39);
    return ((value ^ (value >>> 15)) >>> 0) / 0x1_0000_0000;
  };
}

/** How often each of 0 … size - 1 occurs. */
export function tally(picks: Iterable<number>, size: number): number[] {
  const counts = new Array<number>(size).fill(0);
  for (const pick of picks) {
    const count = counts[pick];
    if (count === undefined) throw new RangeError(`picked ${pick} of ${size} servers`);
    counts[pick] = count + 1;
  }
  return counts;
}

function publishRotation(board: ListenBoard, servers: readonly { weight: number }[]): void {
  board.setRotation(
    buildRotation(
      servers.map(({ weight }) => weight * WEIGHT_SCALE),
      board.rotationLimit,
    ),
  );
}
