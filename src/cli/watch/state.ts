import type { AdminLevel } from "../../admin/command.ts";
import type { JournalEvent } from "../../stats/event.ts";
import type { Snapshot } from "../../stats/snapshot.ts";
import type { Tone } from "../../stats/terminal.ts";
import type { Flows } from "./flows.ts";
import type { Key } from "./keys.ts";
import type { Choice, Row } from "./rows.ts";

/** What one look at the balancer brought. */
export interface Sample {
  readonly snapshot: Snapshot;
  /** The last ones, newest first; null: it keeps none. */
  readonly events: readonly JournalEvent[] | null;
  /** What the admin socket lets who asks do; null: it does not say. */
  readonly level: AdminLevel | null;
}

/** What the middle of the screen shows. */
export type View =
  | { readonly kind: "list" }
  | { readonly kind: "details"; readonly key: string; readonly why: string | null }
  | { readonly kind: "routers" }
  | { readonly kind: "events" }
  | { readonly kind: "help" };

/** What the last line asks for. */
export type Prompt =
  /** `before` comes back when it is given up. */
  | { readonly kind: "filter"; readonly before: string }
  | { readonly kind: "confirm"; readonly command: string; readonly question: string };

/** Whether the balancer answers. */
export type Link =
  | { readonly kind: "new" }
  | { readonly kind: "up" }
  /** Since when, epoch ms, and what it says of that. */
  | { readonly kind: "lost"; readonly sinceWallMs: number; readonly reason: string };

/** All that the screen shows, and all that the next key depends on. */
export interface WatchState {
  readonly columns: number;
  readonly rows: number;
  readonly intervalMs: number;
  readonly wallMs: number;
  readonly link: Link;
  readonly sample: Sample | null;
  /** When that sample was taken, epoch ms. */
  readonly sampledWallMs: number;
  readonly flows: Flows;
  readonly choice: Choice;
  /** The list as it is sorted and filtered now. */
  readonly listed: readonly Row[];
  /** Key of the chosen row; null: there is none. */
  readonly selected: string | null;
  /** First row of the list, and first line of a text, that is on the screen. */
  readonly top: number;
  readonly textTop: number;
  readonly view: View;
  readonly prompt: Prompt | null;
  readonly notice: { readonly tone: Tone; readonly text: string } | null;
  readonly paused: boolean;
  /** A look is under way; when the next one is due, monotonic ms; one more is wanted right after. */
  readonly looking: boolean;
  readonly nextLookMs: number;
  readonly lookAgain: boolean;
}

export type WatchEvent =
  | { readonly kind: "key"; readonly key: Key }
  | { readonly kind: "resize"; readonly columns: number; readonly rows: number }
  | { readonly kind: "tick"; readonly nowMs: number; readonly wallMs: number }
  | { readonly kind: "sampled"; readonly sample: Sample; readonly wallMs: number }
  | { readonly kind: "unanswered"; readonly reason: string; readonly wallMs: number }
  /** What came of a command; `done`: it was not refused. */
  | { readonly kind: "commanded"; readonly command: string; readonly done: boolean; readonly answer: string }
  /** null: the balancer explains nothing. */
  | { readonly kind: "explained"; readonly name: string; readonly text: string | null };

/** What the world has to do; the answers come back as events. */
export type Effect =
  | { readonly kind: "look" }
  | { readonly kind: "command"; readonly command: string }
  | { readonly kind: "explain"; readonly name: string }
  | { readonly kind: "redraw" }
  | { readonly kind: "suspend" }
  | { readonly kind: "quit" };

/** A new state, and what is to be done. */
export interface Step {
  readonly state: WatchState;
  readonly effects: readonly Effect[];
}

/** Before the first look, which the first tick brings. */
export function initialState(columns: number, rows: number, intervalMs: number, wallMs: number): WatchState {
  return {
    columns,
    rows,
    intervalMs,
    wallMs,
    link: { kind: "new" },
    sample: null,
    sampledWallMs: 0,
    flows: new Map(),
    choice: { order: "file", reversed: false, filter: "", troubledOnly: false },
    listed: [],
    selected: null,
    top: 0,
    textTop: 0,
    view: { kind: "list" },
    prompt: null,
    notice: null,
    paused: false,
    looking: false,
    nextLookMs: 0,
    lookAgain: false,
  };
}
