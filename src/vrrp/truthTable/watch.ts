import type { Subject, Which } from "./pair.ts";
import type { PairLan } from "./pairLan.ts";

/** Who owned a virtual router's addresses from a moment on. */
interface Span {
  readonly fromMs: number;
  readonly owners: readonly Which[];
  /** One of the owners can serve the clients in full. */
  readonly served: boolean;
}

/** What happened to a virtual router within a time. */
export interface Spell {
  /** At its end. */
  readonly owners: readonly Which[];
  /** Without an owner, in all. */
  readonly noneMs: number;
  /** With two. */
  readonly twoMs: number;
  /** Without an owner that serves in full. */
  readonly unservedMs: number;
  /** When it last changed. */
  readonly lastChangeMs: number;
}

/** Writes down who owns what, after each event of the simulation. */
export class Watch {
  private readonly spans: Span[][];
  private seenChanges = -1;

  constructor(
    private readonly lan: PairLan,
    private readonly subjects: readonly Subject[],
  ) {
    this.spans = subjects.map(() => []);
    lan.world.afterEach = () => this.lookAgain();
    this.look();
  }

  private lookAgain(): void {
    const { changes } = this.lan;
    if (changes === this.seenChanges) return;
    this.seenChanges = changes;
    this.look();
  }

  /** Looks now: something was done to the network beside its events. */
  look(): void {
    for (const [index, subject] of this.subjects.entries()) {
      const spans = this.spans[index] as Span[];
      const owners = this.lan.owners(subject);
      const served = owners.some((which) => this.serves(which, subject));
      const last = spans.at(-1);
      const isSame = last !== undefined && last.served === served && sameOwners(last.owners, owners);
      if (!isSame) spans.push({ fromMs: this.lan.world.nowMs, owners, served });
    }
  }

  /** What happened to one of the subjects between two moments. */
  spell(index: number, fromMs: number, toMs: number): Spell {
    const spans = this.spans[index] ?? [];
    let [noneMs, twoMs, unservedMs, lastChangeMs] = [0, 0, 0, fromMs];
    let owners: readonly Which[] = [];
    for (const [at, span] of spans.entries()) {
      // What happens at the very end belongs to what comes next.
      if (span.fromMs >= toMs) break;
      const endMs = Math.min(spans[at + 1]?.fromMs ?? toMs, toMs);
      if (endMs < fromMs) continue;
      if (span.fromMs > fromMs && !sameOwners(owners, span.owners)) lastChangeMs = span.fromMs;
      owners = span.owners;
      const lastedMs = endMs - Math.max(span.fromMs, fromMs);
      if (owners.length === 0) noneMs += lastedMs;
      if (owners.length === 2) twoMs += lastedMs;
      if (!span.served) unservedMs += lastedMs;
    }
    return { owners, noneMs, twoMs, unservedMs, lastChangeMs };
  }

  private serves(which: Which, { instances }: Subject): boolean {
    const instance = instances[which];
    return instance !== null && this.lan.hosts[which].impairments(instance).length === 0;
  }
}

/** The same hosts. */
export function sameOwners(a: readonly Which[], b: readonly Which[]): boolean {
  return a.length === b.length && a.every((which, at) => which === b[at]);
}
