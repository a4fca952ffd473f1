import { HISTORY_STEP_MS, HISTORY_STEPS } from "../history.ts";
import { humanDuration } from "../humanise.ts";
import { esc } from "./html.ts";

/** Height of the drawing in its own units; one unit across is one step of time. */
const HEIGHT = 40;
const LAST = HISTORY_STEPS - 1;
/** Room for the line's own thickness. */
const MARGIN = 2;

/** One line of a sparkline. */
export interface Line {
  /** Oldest first. */
  readonly values: readonly number[];
  /** The style sheet's name of its colour. */
  readonly kind: "a" | "b";
}

/** How to speak of a series: "Sessions", and a value in words. */
export interface Caption {
  readonly what: string;
  say(value: number): string;
}

/**
 * Lines over the span of the history, the newest at the right edge, as inline SVG. All share one scale, from 0 to the highest
 * of them. `label` is what somebody hears who does not see them.
 */
export function sparkline(lines: readonly Line[], label: string): string {
  const highest = lines.reduce((most, { values }) => values.reduce((a, b) => Math.max(a, b), most), 0);
  const drawn = lines.map(
    ({ values, kind }) => `<polyline class="${kind}" points="${points(values.slice(-HISTORY_STEPS), highest)}"/>`,
  );
  const head = `<svg class="spark" role="img" viewBox="0 0 ${LAST} ${HEIGHT}" preserveAspectRatio="none">`;
  return `${head}<title>${esc(label)}</title>${drawn.join("")}</svg>`;
}

/** "Sessions in the last 10m 0s: now 12, least 3, most 30" */
export function describe(values: readonly number[], { what, say }: Caption): string {
  if (values.length === 0) return `${what}: nothing recorded yet`;
  const span = humanDuration(values.length * HISTORY_STEP_MS);
  const least = values.reduce((a, b) => Math.min(a, b));
  const most = values.reduce((a, b) => Math.max(a, b));
  return `${what} in the last ${span}: now ${say(values.at(-1) ?? 0)}, least ${say(least)}, most ${say(most)}`;
}

/** From the base line up to the values and down again, so that the area can be filled; what lies on a level line is left out. */
function points(values: readonly number[], highest: number): string {
  if (values.length === 0) return "";
  const first = HISTORY_STEPS - values.length;
  const level = (index: number) => {
    const share = highest > 0 ? (values[index] as number) / highest : 0;
    return Math.round(HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN));
  };
  // The edges of the area lie outside of the drawing, where their lines are not seen.
  const left = first === 0 ? -1 : first;
  let text = `${left},${HEIGHT} ${left},${level(0)}`;
  for (let index = 0; index < values.length; index++) {
    const here = level(index);
    const isEven = index > 0 && index < values.length - 1 && here === level(index - 1) && here === level(index + 1);
    if (!isEven) text += ` ${first + index},${here}`;
  }
  return `${text} ${HISTORY_STEPS},${level(values.length - 1)} ${HISTORY_STEPS},${HEIGHT}`;
}
