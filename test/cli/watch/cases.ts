import type { Key, KeyName } from "../../../src/cli/watch/keys.ts";
import {
  type Effect,
  initialState,
  type Sample,
  type WatchEvent,
  type WatchState,
} from "../../../src/cli/watch/state.ts";
import { step } from "../../../src/cli/watch/step.ts";
import type { Snapshot } from "../../../src/stats/snapshot.ts";
import { listenWith, processWith, serverWith } from "../../stats/tableCases.ts";

/** Noon's neighbour, by the clock of whoever runs the tests. */
export const WALL_MS = new Date(2026, 10, 22, 16, 5, 9).getTime();

/** A session at the keyboard: what was done to the state, and what it asked for. */
export class Play {
  state: WatchState;
  effects: Effect[] = [];
  private nowMs = 0;

  constructor(columns = 80, rows = 24, intervalMs = 1000) {
    this.state = initialState(columns, rows, intervalMs, WALL_MS);
  }

  happens(event: WatchEvent): this {
    const { state, effects } = step(this.state, event);
    this.state = state;
    this.effects = [...effects];
    return this;
  }

  /** Time goes on. */
  tick(afterMs = 0): this {
    this.nowMs += afterMs;
    return this.happens({ kind: "tick", nowMs: this.nowMs, wallMs: this.wallMs });
  }

  /** The balancer stands like this. */
  sees(snapshot: Snapshot, more: Partial<Sample> = {}): this {
    const sample: Sample = { snapshot, events: null, level: null, ...more };
    return this.happens({ kind: "sampled", sample, wallMs: this.wallMs });
  }

  hearsNothing(reason: string, afterMs = 0): this {
    this.nowMs += afterMs;
    return this.happens({ kind: "unanswered", reason, wallMs: this.wallMs });
  }

  /** Characters, as they are typed one after the other. */
  types(text: string): this {
    for (const character of text) this.presses({ kind: "text", text: character });
    return this;
  }

  press(...names: KeyName[]): this {
    for (const name of names) this.presses({ kind: "key", name });
    return this;
  }

  private presses(key: Key): void {
    this.happens({ kind: "key", key });
  }

  private get wallMs(): number {
    return WALL_MS + this.nowMs;
  }
}

/** Listens l1… with servers s1… each. */
export function crowd(listens: number, servers: number): Snapshot {
  return {
    process: processWith(),
    vrrp: null,
    listens: Array.from({ length: listens }, (_, l) =>
      listenWith({
        name: `l${l + 1}`,
        servers: Array.from({ length: servers }, (_, s) => serverWith({ name: `s${s + 1}` })),
      }),
    ),
  };
}
