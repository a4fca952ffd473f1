import { gridFor, rowLine, titles } from "./columns.ts";
import { frame } from "./layout.ts";
import { type Ability, type Line, paint, plainLine } from "./lines.ts";
import type { WatchState } from "./state.ts";
import { viewText, viewTitle } from "./texts.ts";

/** The screen: exactly `state.rows` lines, none wider than `state.columns`, ready for the terminal. Pure. */
export function draw(state: WatchState, ability: Ability): string[] {
  const { rows, columns } = state;
  const { above, below, room } = frame(state, ability.unicode);
  const middle = state.view.kind === "list" ? listLines(state, room, ability) : textLines(state, room, ability);
  const all = [...above, ...middle, ...below];
  // On a screen of a few lines what asks or answers is worth more than the rest.
  const shown = all.length <= rows ? all : [...all.slice(0, Math.max(0, rows - 1)), ...all.slice(-1)].slice(-rows);
  return shown.map((line) => paint(line, columns, ability));
}

function listLines(state: WatchState, room: number, { unicode }: Ability): Line[] {
  const { listed, columns, choice, flows, top, selected, link } = state;
  const grid = gridFor(listed, columns, choice.order);
  const stale = link.kind === "lost";
  const shown = listed.slice(top, top + room).map((row, index): Line => {
    // A listen that has scrolled away is named by the first of its servers.
    const spans = rowLine(index === 0 ? { ...grid, grouped: false } : grid, row, flows, unicode);
    if (row.key === selected) return { spans, whole: { reverse: true } };
    return { spans: stale ? spans.map(({ text }) => ({ text, dim: true })) : spans };
  });
  const lines = shown.length === 0 && room > 0 ? [plainLine(emptyText(state))] : shown;
  return [titles(grid, choice.reversed), ...filled(lines, room)];
}

function emptyText({ sample, choice }: WatchState): string {
  if (sample === null) return "";
  if (choice.filter !== "") return `nothing is named like "${choice.filter}"; Esc shows everything`;
  if (choice.troubledOnly) return "everything is as it should be; x or Esc shows it";
  return "no listens";
}

function textLines(state: WatchState, room: number, { unicode }: Ability): Line[] {
  const text = viewText(state, unicode);
  const { textTop } = state;
  const more = text.length > textTop + room ? `, ${text.length - textTop - room} more below` : "";
  const title: Line = { spans: [{ text: `${viewTitle(state)}${more}` }], whole: { reverse: true } };
  return [title, ...filled(text.slice(textTop, textTop + room), room)];
}

function filled(lines: readonly Line[], room: number): Line[] {
  return [...lines, ...Array.from({ length: Math.max(0, room - lines.length) }, () => plainLine(""))];
}
