/**
 * One cycle of turns in which server i appears in proportion to its weight and as evenly spread as the weights allow. Each turn
 * goes to the server whose next one is due first among those that are not ahead of their share (earliest deadline first: turn
 * k of n with share w is not before k·n/w and due by (k+1)·n/w), heavier first, then lower index first. So at every point of
 * the cycle each server has had its share to within one turn, and no pause is twice as long as the average one. Equal weights
 * give 0 1 2 0 1 2 …; a server of weight 0 does not appear.
 *
 * The weights are reduced by their greatest common divisor; when the cycle is then still longer than `limit` (at least one
 * turn a server), they are scaled down to fit, and nobody with a weight loses their last turn.
 */
export function buildRotation(weights: readonly number[], limit: number): Uint16Array {
  const shares = fit(weights, limit);
  const length = shares.reduce((sum, share) => sum + share, 0);
  // Of thousands of servers each has few turns: to look at all of them for each turn would take seconds.
  const due = new Queue(shares);
  const ahead = new Ahead(shares.length, length);
  for (const [server, share] of shares.entries()) if (share > 0) ahead.until(0, server);
  return Uint16Array.from({ length }, (_, turn) => {
    for (const server of ahead.endingAt(turn)) due.add(server);
    const server = due.take();
    const [taken, share] = [due.turnsOf(server), shares[server] as number];
    ahead.until(Math.max(turn + 1, Math.ceil((taken * length) / share)), server);
    return server;
  });
}

/** Servers that have had their share for now, by the turn from which they are due again. */
class Ahead {
  /** The first server of each turn, and who comes after each server; -1: nobody. */
  private readonly first: Int32Array;
  private readonly next: Int32Array;

  constructor(servers: number, turns: number) {
    this.first = new Int32Array(turns).fill(-1);
    this.next = new Int32Array(servers);
  }

  until(turn: number, server: number): void {
    if (turn >= this.first.length) return;
    this.next[server] = this.first[turn] as number;
    this.first[turn] = server;
  }

  *endingAt(turn: number): Generator<number> {
    for (let server = this.first[turn] as number; server >= 0; server = this.next[server] as number) yield server;
  }
}

/** A heap of servers, whose first is due first. */
class Queue {
  private readonly heap: number[] = [];
  private readonly taken: Int32Array;

  constructor(private readonly shares: readonly number[]) {
    this.taken = new Int32Array(shares.length);
  }

  turnsOf(server: number): number {
    return this.taken[server] as number;
  }

  add(server: number): void {
    const { heap } = this;
    let at = heap.length;
    for (; at > 0; at = (at - 1) >> 1) {
      const parent = heap[(at - 1) >> 1] as number;
      if (!this.isBefore(server, parent)) break;
      heap[at] = parent;
    }
    heap[at] = server;
  }

  /** Takes a turn for the first. */
  take(): number {
    const { heap, taken } = this;
    const first = heap[0] as number;
    const last = heap.pop() as number;
    if (heap.length > 0) this.sink(last);
    taken[first] = (taken[first] as number) + 1;
    return first;
  }

  private sink(server: number): void {
    const { heap } = this;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.isBefore(heap[child + 1] as number, heap[child] as number)) child++;
      if (!this.isBefore(heap[child] as number, server)) break;
      heap[at] = heap[child] as number;
      at = child;
    }
    heap[at] = server;
  }

  /** By deadline, heavier first, then lower index first. */
  private isBefore(a: number, b: number): boolean {
    const [shareA, shareB] = [this.shares[a] as number, this.shares[b] as number];
    const sooner = (this.turnsOf(a) + 1) * shareB - (this.turnsOf(b) + 1) * shareA;
    return sooner !== 0 ? sooner < 0 : shareA !== shareB ? shareA > shareB : a < b;
  }
}

function fit(weights: readonly number[], limit: number): number[] {
  const divisor = weights.reduce(gcd, 0);
  if (divisor === 0) return [];
  const reduced = weights.map((weight) => weight / divisor);
  const total = reduced.reduce((sum, weight) => sum + weight, 0);
  if (total <= limit) return reduced;
  // Everybody's last turn is set aside first: lifting the light ones to one turn afterwards would overrun the limit.
  const spare = limit - reduced.filter((weight) => weight > 0).length;
  return reduced.map((weight) => (weight === 0 ? 0 : 1 + Math.floor((weight * spare) / total)));
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
