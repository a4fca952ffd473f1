import {
  ADDRESS_BYTES,
  HEADER_WORDS,
  Header,
  LISTEN_COUNTERS,
  ListenCounter,
  SERVER_COUNTERS,
  SERVER_WORDS,
  type SegmentLayout,
  ServerCounter,
  ServerWord,
  segmentLayout,
} from "./layout.ts";

/** What a thread needs to open a board that another thread made: plain data for postMessage. */
export interface BoardHandle {
  buffer: SharedArrayBuffer;
  /** Most servers that the segment has room for. */
  capacity: number;
  threads: number;
}

/** What a balancer sees of the servers; {@link ListenBoard} is the real one. */
export interface PoolView {
  /** Server slots; indexes run from 0 to slots - 1. */
  readonly slots: number;
  /** Effective weight (scaled); 0 takes no new session. */
  weight(server: number): number;
  /** Sessions on it plus connections that wait for it. */
  load(server: number): number;
  /** Whether one more session stays within its maxconn. */
  hasRoom(server: number): boolean;
  /** The next turn's number, shared by all threads: consecutive callers get consecutive numbers. */
  takeTurn(): number;
  /** Whose turn that number is in the rotation in force; -1 when nobody is in it. */
  serverAtTurn(turn: number): number;
  /** Length of the rotation in force. */
  rotationLength(): number;
}

/** Room for the sums and the highest values of a row of counters; both of the same length. */
export interface Tally {
  readonly sums: Float64Array;
  readonly highest: Float64Array;
}

/** A listen's scoreboard segment, as one thread sees it. See pool/layout.ts for who writes what. */
export class ListenBoard implements PoolView {
  readonly capacity: number;
  readonly threads: number;
  private readonly layout: SegmentLayout;
  private readonly words: Int32Array;
  private readonly turns: Uint16Array;
  private readonly counterViews: Float64Array[];
  private readonly addressViews: Uint8Array[];
  /** What a process before this one has counted; of this object alone, and null until then. */
  private inherited: Float64Array | null = null;

  constructor(private readonly handle: BoardHandle) {
    const { buffer, capacity, threads } = handle;
    const layout = segmentLayout(capacity, threads);
    this.capacity = capacity;
    this.threads = threads;
    this.layout = layout;
    this.words = new Int32Array(buffer, 0, layout.addresses / 4);
    this.turns = new Uint16Array(buffer, layout.rotation, 2 * layout.rotationLimit);
    this.counterViews = Array.from(
      { length: threads },
      (_, thread) => new Float64Array(buffer, layout.counters + thread * layout.counterWords * 8, layout.counterWords),
    );
    this.addressViews = Array.from(
      { length: 2 * capacity },
      (_, i) => new Uint8Array(buffer, layout.addresses + i * ADDRESS_BYTES, ADDRESS_BYTES),
    );
  }

  /** A fresh segment of so many slots, with room for `capacity`; no server takes sessions yet. */
  static create(slots: number, threads: number, capacity = slots): ListenBoard {
    const buffer = new SharedArrayBuffer(segmentLayout(capacity, threads).bytes);
    const board = new ListenBoard({ buffer, capacity, threads });
    board.setSlots(slots);
    return board;
  }

  /** To open the same segment in another thread. */
  share(): BoardHandle {
    return this.handle;
  }

  // Read at every pick.

  get slots(): number {
    return this.words[Header.slots] as number;
  }

  weight(server: number): number {
    return this.words[serverWord(server, ServerWord.weight)] as number;
  }

  load(server: number): number {
    return (
      (this.words[serverWord(server, ServerWord.served)] as number) +
      (this.words[serverWord(server, ServerWord.queued)] as number)
    );
  }

  served(server: number): number {
    return Atomics.load(this.words, serverWord(server, ServerWord.served));
  }

  hasRoom(server: number): boolean {
    const limit = this.words[serverWord(server, ServerWord.maxconn)] as number;
    return limit === 0 || (this.words[serverWord(server, ServerWord.served)] as number) < limit;
  }

  takeTurn(): number {
    return Atomics.add(this.words, Header.turn, 1) >>> 0;
  }

  serverAtTurn(turn: number): number {
    const buffer = Atomics.load(this.words, Header.rotationGeneration) & 1;
    const length = this.words[Header.rotationLength + buffer] as number;
    return length === 0 ? -1 : (this.turns[buffer * this.layout.rotationLimit + (turn % length)] as number);
  }

  rotationLength(): number {
    return this.words[Header.rotationLength + (Atomics.load(this.words, Header.rotationGeneration) & 1)] as number;
  }

  /** Servers that take new sessions now. */
  get usable(): number {
    return this.words[Header.usable] as number;
  }

  /** The server's sockaddr; bytes beyond {@link addressLength} are padding. */
  address(server: number): Uint8Array {
    return this.addressViews[
      2 * server + (this.words[serverWord(server, ServerWord.addressBuffer)] as number)
    ] as Uint8Array;
  }

  /** 0 while the server's name has not been resolved. */
  addressLength(server: number): number {
    const buffer = this.words[serverWord(server, ServerWord.addressBuffer)] as number;
    return this.words[serverWord(server, ServerWord.addressLength) + buffer] as number;
  }

  /** Most connections of this listen at a time; null: no limit of its own. Set by control. */
  get maxconn(): number | null {
    return Atomics.load(this.words, Header.maxconn) || null;
  }

  set maxconn(limit: number | null) {
    Atomics.store(this.words, Header.maxconn, limit ?? 0);
  }

  // Shared occupancy: several writers, Atomics only. Each returns the new value.

  /** Takes a session slot on the server; 0 when its maxconn is reached (and nothing is taken). */
  reserve(server: number): number {
    const at = serverWord(server, ServerWord.served);
    const limit = this.words[serverWord(server, ServerWord.maxconn)] as number;
    if (limit === 0) return Atomics.add(this.words, at, 1) + 1;
    // Adding first and taking back what is too much would make others see a full server that is not.
    for (let served = Atomics.load(this.words, at); served < limit; ) {
      const seen = Atomics.compareExchange(this.words, at, served, served + 1);
      if (seen === served) return served + 1;
      served = seen;
    }
    return 0;
  }

  release(server: number): number {
    return Atomics.sub(this.words, serverWord(server, ServerWord.served), 1) - 1;
  }

  addCurrent(delta: number): number {
    return Atomics.add(this.words, Header.current, delta) + delta;
  }

  get current(): number {
    return Atomics.load(this.words, Header.current);
  }

  /** Counts a waiting connection in or out; `server` is -1 when any server will do. */
  addQueued(server: number, delta: number): number {
    if (server >= 0) Atomics.add(this.words, serverWord(server, ServerWord.queued), delta);
    return Atomics.add(this.words, Header.queued, delta) + delta;
  }

  get queued(): number {
    return Atomics.load(this.words, Header.queued);
  }

  queuedOn(server: number): number {
    return Atomics.load(this.words, serverWord(server, ServerWord.queued));
  }

  addConsecutiveError(server: number): number {
    return Atomics.add(this.words, serverWord(server, ServerWord.consecutiveErrors), 1) + 1;
  }

  clearConsecutiveErrors(server: number): void {
    const at = serverWord(server, ServerWord.consecutiveErrors);
    if (this.words[at] !== 0) Atomics.store(this.words, at, 0);
  }

  // Counters: thread t writes counters(t) and nothing else.

  /** All counters of a thread; index with ListenCounter (pool/layout.ts) and {@link serverCounter}. */
  counters(thread: number): Float64Array {
    return this.counterViews[thread] as Float64Array;
  }

  /** Sum of one counter over all threads. */
  sum(index: number): number {
    let total = this.inherited?.[index] ?? 0;
    for (const view of this.counterViews) total += view[index] as number;
    return total;
  }

  /** Highest value of one counter over all threads. */
  max(index: number): number {
    let highest = this.inherited?.[index] ?? 0;
    for (const view of this.counterViews) highest = Math.max(highest, view[index] as number);
    return highest;
  }

  /** {@link sum} and {@link max} of all counters from `first` on, as many as `into` has room for; cheaper than one by one. */
  tally(first: number, into: Tally): void {
    const { sums, highest } = into;
    const { length } = sums;
    for (let i = 0; i < length; i++) sums[i] = highest[i] = this.inherited?.[first + i] ?? 0;
    for (const view of this.counterViews) {
      for (let i = 0; i < length; i++) {
        const value = view[first + i] as number;
        sums[i] = (sums[i] as number) + value;
        if (value > (highest[i] as number)) highest[i] = value;
      }
    }
  }

  /** Has {@link sum} and {@link max} of this object go on from what a process before this one has counted. */
  inherit(index: number, value: number, isHighest: boolean): void {
    this.inherited ??= new Float64Array(this.layout.counterWords);
    const before = this.inherited[index] as number;
    this.inherited[index] = isHighest ? Math.max(before, value) : before + value;
  }

  /** Forgets of it the highest values, or `all`. Threads clear their own: {@link clearCounters}. */
  clearInherited(all: boolean): void {
    const { inherited } = this;
    if (inherited !== null) for (const index of clearedCounters(this.capacity, all)) inherited[index] = 0;
  }

  // Written by control alone.

  /** Slots below this one may have servers. Throws RangeError beyond the capacity. */
  setSlots(slots: number): void {
    if (slots > this.capacity) throw new RangeError(`${slots} server slots, ${this.capacity} fit`);
    Atomics.store(this.words, Header.slots, slots);
  }

  setServer(server: number, state: { weight: number; maxconn: number }): void {
    Atomics.store(this.words, serverWord(server, ServerWord.maxconn), state.maxconn);
    Atomics.store(this.words, serverWord(server, ServerWord.weight), state.weight);
  }

  setUsable(count: number): void {
    Atomics.store(this.words, Header.usable, count);
  }

  /** Publishes a rotation: written to the idle buffer, then the generation is turned over. Throws RangeError when it does not fit. */
  setRotation(rotation: Uint16Array): void {
    if (rotation.length > this.rotationLimit)
      throw new RangeError(`rotation of ${rotation.length} turns, ${this.rotationLimit} fit`);
    const generation = Atomics.load(this.words, Header.rotationGeneration) + 1;
    const buffer = generation & 1;
    this.turns.set(rotation, buffer * this.layout.rotationLimit);
    this.words[Header.rotationLength + buffer] = rotation.length;
    Atomics.store(this.words, Header.rotationGeneration, generation);
  }

  /** Longest rotation that fits. */
  get rotationLimit(): number {
    return this.layout.rotationLimit;
  }

  setAddress(server: number, sockaddr: Uint8Array): void {
    const at = serverWord(server, ServerWord.addressBuffer);
    const buffer = 1 - (this.words[at] as number);
    (this.addressViews[2 * server + buffer] as Uint8Array).set(sockaddr);
    this.words[serverWord(server, ServerWord.addressLength) + buffer] = sockaddr.length;
    Atomics.store(this.words, at, buffer);
  }

  /** The slot is for another server, whose name has no address yet. */
  clearAddress(server: number): void {
    const at = serverWord(server, ServerWord.addressBuffer);
    this.words[serverWord(server, ServerWord.addressLength) + (this.words[at] as number)] = 0;
  }

  // Written by thread t about itself.

  /** Thread t's highest values, or `all` its counters, are 0 from now on; what says how things are now stays. */
  clearCounters(thread: number, all: boolean): void {
    const counters = this.counters(thread);
    for (const index of clearedCounters(this.capacity, all)) counters[index] = 0;
  }

  /** Another server has the slot from now on: thread t's counters of it start from nought. */
  clearServerCounters(thread: number, server: number): void {
    this.counters(thread).fill(0, serverCounter(server, 0), serverCounter(server + 1, 0));
  }
}

/** Indexes of the counters that an operator can clear: all, or those that keep a highest value. */
function* clearedCounters(capacity: number, all: boolean): Generator<number> {
  const isCleared = ([name]: [string, number]): boolean => (all ? name !== "oldestWaiting" : name.startsWith("max"));
  for (const [, index] of Object.entries(ListenCounter).filter(isCleared)) yield index;
  const ofServers = Object.entries(ServerCounter).filter(isCleared);
  for (let server = 0; server < capacity; server++)
    for (const [, index] of ofServers) yield serverCounter(server, index);
}

/** Index of a server's counter ({@link ServerCounter}) in a thread's counters. */
export function serverCounter(server: number, counter: number): number {
  return LISTEN_COUNTERS + server * SERVER_COUNTERS + counter;
}

function serverWord(server: number, word: number): number {
  return HEADER_WORDS + server * SERVER_WORDS + word;
}
