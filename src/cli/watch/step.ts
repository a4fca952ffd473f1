import { assertNever } from "../../core/errors.ts";
import { humanDuration } from "../../stats/humanise.ts";
import { measure } from "./flows.ts";
import { pressed } from "./pressed.ts";
import { settled } from "./scroll.ts";
import type { Effect, Sample, Step, WatchEvent, WatchState } from "./state.ts";

/** What happens to the screen when something has happened. Pure. */
export function step(state: WatchState, event: WatchEvent): Step {
  const next = react(state, event);
  return { ...next, state: settled(state, next.state) };
}

function react(state: WatchState, event: WatchEvent): Step {
  switch (event.kind) {
    case "key":
      return pressed(state, event.key);
    case "resize":
      return { state: { ...state, columns: event.columns, rows: event.rows }, effects: [{ kind: "redraw" }] };
    case "tick":
      return ticked({ ...state, wallMs: event.wallMs }, event.nowMs);
    case "sampled":
      return sampled(state, event.sample, event.wallMs);
    case "unanswered":
      return unanswered(state, event.reason, event.wallMs);
    case "commanded":
      return commanded(state, event);
    case "explained":
      return explained(state, event.name, event.text);
    default:
      return assertNever(event);
  }
}

function ticked(state: WatchState, nowMs: number): Step {
  if (state.looking || state.paused || nowMs < state.nextLookMs) return { state, effects: [] };
  // A look that comes late (a busy host, a suspended terminal) does not make the next ones come in a burst.
  const nextLookMs = Math.max(state.nextLookMs + state.intervalMs, nowMs + state.intervalMs / 2);
  return { state: { ...state, looking: true, nextLookMs }, effects: [{ kind: "look" }] };
}

function sampled(before: WatchState, sample: Sample, wallMs: number): Step {
  const state: WatchState = {
    ...before,
    wallMs,
    link: { kind: "up" },
    sample,
    sampledWallMs: wallMs,
    flows: measure(before.sample?.snapshot ?? null, before.flows, sample.snapshot),
    notice: before.link.kind === "lost" ? backAgain(before.link.sinceWallMs, wallMs) : before.notice,
  };
  return afterLook(state);
}

function backAgain(sinceWallMs: number, wallMs: number): WatchState["notice"] {
  return { tone: "green", text: `the balancer answers again, after ${humanDuration(wallMs - sinceWallMs)}` };
}

function unanswered(state: WatchState, reason: string, wallMs: number): Step {
  const sinceWallMs = state.link.kind === "lost" ? state.link.sinceWallMs : wallMs;
  return afterLook({ ...state, wallMs, link: { kind: "lost", sinceWallMs, reason } });
}

function afterLook(state: WatchState): Step {
  const { view, lookAgain } = state;
  const effects: Effect[] = view.kind === "details" ? [{ kind: "explain", name: view.key }] : [];
  if (!lookAgain) return { state: { ...state, looking: false }, effects };
  return { state: { ...state, lookAgain: false }, effects: [...effects, { kind: "look" }] };
}

/** What was done is to be seen at once. */
function commanded(state: WatchState, { command, done, answer }: Extract<WatchEvent, { kind: "commanded" }>): Step {
  const said = answer.trim().split("\n")[0] ?? "";
  const notice = done
    ? { tone: "green" as const, text: `${command}: ${said === "" ? "done" : said}` }
    : { tone: "red" as const, text: `${command}: refused: ${said === "" ? "without a word" : said}` };
  if (state.looking) return { state: { ...state, notice, lookAgain: true }, effects: [] };
  return { state: { ...state, notice, looking: true }, effects: [{ kind: "look" }] };
}

function explained(state: WatchState, name: string, text: string | null): Step {
  const { view } = state;
  if (view.kind !== "details" || view.key !== name) return { state, effects: [] };
  return { state: { ...state, view: { ...view, why: text } }, effects: [] };
}
