interface Entry {
  readonly atMs: number;
  readonly order: number;
  fn: (() => void) | null;
}

/** Simulated time: a heap of things to do, soonest first, equal times in the order of asking. */
export class World {
  nowMs = 0;
  /** Called after each event. */
  afterEach: () => void = () => {};
  private readonly heap: Entry[] = [];
  private orders = 0;

  /** Runs `fn` at a time; the returned function cancels it. */
  at(atMs: number, fn: () => void): () => void {
    const entry: Entry = { atMs: Math.max(atMs, this.nowMs), order: this.orders++, fn };
    this.push(entry);
    return () => {
      entry.fn = null;
    };
  }

  /** Lets time pass until `endMs`. */
  runUntil(endMs: number): void {
    for (let first = this.heap[0]; first !== undefined && first.atMs <= endMs; first = this.heap[0]) {
      this.pop();
      const { fn } = first;
      if (fn === null) continue;
      this.nowMs = first.atMs;
      first.fn = null;
      fn();
      this.afterEach();
    }
    this.nowMs = endMs;
  }

  private push(entry: Entry): void {
    const { heap } = this;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(entry, heap[parent] as Entry)) break;
      heap[at] = heap[parent] as Entry;
      at = parent;
    }
    heap[at] = entry;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop() as Entry;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Entry, heap[child] as Entry)) child += 1;
      if (!before(heap[child] as Entry, last)) break;
      heap[at] = heap[child] as Entry;
      at = child;
    }
    heap[at] = last;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
