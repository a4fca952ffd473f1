import { listRoom } from "./layout.ts";
import { type Row, rowsOf } from "./rows.ts";
import type { WatchState } from "./state.ts";
import { viewText } from "./texts.ts";

/** Makes the list anew when what it is made from has changed, keeps a row chosen, and that row on the screen. */
export function settled(before: WatchState, state: WatchState): WatchState {
  const listed = listOf(before, state);
  const next = { ...state, listed, selected: keptSelection(state, listed) };
  const room = listRoom(next);
  const at = Math.max(0, indexOf(next));
  const last = Math.max(0, listed.length - room);
  const top = Math.min(last, Math.max(Math.min(next.top, at), at - Math.max(1, room) + 1));
  const textTop = Math.max(0, Math.min(next.textTop, viewText(next).length - room));
  return { ...next, top, textTop };
}

/** Sorting two thousand rows at every key would be felt. */
function listOf(before: WatchState, { sample, flows, choice, listed }: WatchState): readonly Row[] {
  if (sample === null) return [];
  const isSame = sample === before.sample && choice === before.choice && flows === before.flows;
  return isSame ? listed : rowsOf(sample.snapshot, flows, choice);
}

/** Where the chosen row is in the list; -1: nowhere. */
export function indexOf({ listed, selected }: WatchState): number {
  return selected === null ? -1 : listed.findIndex(({ key }) => key === selected);
}

/** A row that is gone leaves the choice to the one in its place. */
function keptSelection(before: WatchState, listed: readonly Row[]): string | null {
  if (before.selected !== null && listed.some(({ key }) => key === before.selected)) return before.selected;
  return listed[Math.max(0, Math.min(indexOf(before), listed.length - 1))]?.key ?? null;
}
