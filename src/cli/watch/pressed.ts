import { assertNever } from "../../core/errors.ts";
import type { ServerSnapshot } from "../../stats/snapshot.ts";
import type { Key, KeyName } from "./keys.ts";
import { listRoom } from "./layout.ts";
import { ORDERS, type Row } from "./rows.ts";
import { indexOf } from "./scroll.ts";
import type { Effect, Prompt, Step, View, WatchState } from "./state.ts";

/** What a key does. */
export function pressed(before: WatchState, key: Key): Step {
  if (key.kind === "key" && key.name === "ctrl-c") return done(before, { kind: "quit" });
  if (key.kind === "key" && key.name === "ctrl-z") return done(before, { kind: "suspend" });
  if (key.kind === "key" && key.name === "ctrl-l") return done(before, { kind: "redraw" });
  // What was said has been read.
  const state = { ...before, notice: null };
  const { prompt } = state;
  if (prompt === null) return key.kind === "text" ? typed(state, key.text) : moved(state, key.name);
  switch (prompt.kind) {
    case "filter":
      return filtering(state, prompt, key);
    case "confirm":
      return confirming(state, prompt, key);
    default:
      return assertNever(prompt);
  }
}

function done(state: WatchState, ...effects: Effect[]): Step {
  return { state, effects };
}

function filtering(state: WatchState, prompt: Extract<Prompt, { kind: "filter" }>, key: Key): Step {
  const { filter } = state.choice;
  const edited = (text: string): Step => done({ ...state, choice: { ...state.choice, filter: text } });
  if (key.kind === "text") return edited(filter + key.text);
  switch (key.name) {
    case "enter":
      return done({ ...state, prompt: null });
    case "escape":
      return done({ ...state, prompt: null, choice: { ...state.choice, filter: prompt.before } });
    case "backspace":
      return edited([...filter].slice(0, -1).join(""));
    case "ctrl-u":
    case "ctrl-w":
      return edited("");
    default:
      return moved(state, key.name);
  }
}

/** Only a clear yes is one. */
function confirming(state: WatchState, { command }: Extract<Prompt, { kind: "confirm" }>, key: Key): Step {
  const yes = key.kind === "text" ? key.text === "y" || key.text === "Y" : key.name === "enter";
  if (yes) return done({ ...state, prompt: null }, { kind: "command", command });
  return done({ ...state, prompt: null, notice: { tone: null, text: "nothing was changed" } });
}

function typed(state: WatchState, text: string): Step {
  const { choice } = state;
  switch (text) {
    case "q":
      return done(state, { kind: "quit" });
    case "k":
      return moved(state, "up");
    case "j":
      return moved(state, "down");
    case "g":
      return moved(state, "home");
    case "G":
      return moved(state, "end");
    case " ":
      return moved(state, "pageDown");
    case "s":
      return done({ ...state, choice: { ...choice, order: following(choice.order), reversed: false } });
    case "S":
      return done({ ...state, choice: { ...choice, reversed: !choice.reversed } });
    case "x":
      return done({ ...state, choice: { ...choice, troubledOnly: !choice.troubledOnly } });
    case "/":
      return done({ ...state, view: { kind: "list" }, prompt: { kind: "filter", before: choice.filter } });
    case "f":
      return done({ ...state, choice: { ...choice, filter: choice.filter === "" ? chosenListen(state) : "" } });
    case "p":
      return done({ ...state, paused: !state.paused, nextLookMs: 0 });
    case "d":
      return asking(state, "drain");
    case "m":
      return asking(state, "maint");
    case "r":
      return asking(state, "ready");
    case "?":
    case "h":
      return showing(state, { kind: "help" });
    case "e":
      return showing(state, { kind: "events" });
    case "v":
      return showing(state, { kind: "routers" });
    default:
      return done(state);
  }
}

function moved(state: WatchState, name: KeyName): Step {
  const page = Math.max(1, listRoom(state) - 1);
  switch (name) {
    case "up":
      return by(state, -1);
    case "down":
      return by(state, 1);
    case "pageUp":
    case "ctrl-b":
      return by(state, -page);
    case "pageDown":
    case "ctrl-f":
      return by(state, page);
    case "home":
      return by(state, -Infinity);
    case "end":
      return by(state, Infinity);
    case "enter":
    case "right":
      return state.view.kind === "list" ? opened(state) : name === "enter" ? listAgain(state) : done(state);
    case "escape":
      if (state.view.kind !== "list") return listAgain(state);
      return done({ ...state, choice: { ...state.choice, filter: "", troubledOnly: false } });
    case "left":
    case "backspace":
      return listAgain(state);
    default:
      return done(state);
  }
}

/** Moves the choice in the list, or the text of another view. */
function by(state: WatchState, rows: number): Step {
  const within = (at: number, last: number) => Math.max(0, Math.min(at, last));
  // How far a text goes is settled by who draws it.
  if (state.view.kind !== "list") return done({ ...state, textTop: within(state.textTop + rows, 1e6) });
  const at = within(indexOf(state) + rows, state.listed.length - 1);
  return done({ ...state, selected: state.listed[at]?.key ?? null });
}

/** The same key twice leads back. */
function showing(state: WatchState, view: View): Step {
  return state.view.kind === view.kind ? listAgain(state) : done({ ...state, view, textTop: 0 });
}

function listAgain(state: WatchState): Step {
  return done({ ...state, view: { kind: "list" } });
}

function opened(state: WatchState): Step {
  const { selected: key } = state;
  if (key === null) return done(state);
  return done({ ...state, view: { kind: "details", key, why: null }, textTop: 0 }, { kind: "explain", name: key });
}

function following(order: (typeof ORDERS)[number]): (typeof ORDERS)[number] {
  return ORDERS[(ORDERS.indexOf(order) + 1) % ORDERS.length] as (typeof ORDERS)[number];
}

function chosenRow(state: WatchState): Row | undefined {
  return state.listed[indexOf(state)];
}

function chosenListen(state: WatchState): string {
  return chosenRow(state)?.listen.name ?? "";
}

function asking(state: WatchState, wish: "drain" | "maint" | "ready"): Step {
  const row = chosenRow(state);
  const say = (text: string): Step => done({ ...state, notice: { tone: "yellow", text } });
  if (state.view.kind !== "list" && state.view.kind !== "details") return done(state);
  if (row?.kind !== "server") return say(`choose a server first: ${wish} is for one server`);
  const { level = null } = state.sample ?? {};
  if (level === "user" || level === "operator") {
    return say(`this socket's level is ${level}: a change needs level admin`);
  }
  const command = `set server ${row.key} state ${wish}`;
  return done({ ...state, prompt: { kind: "confirm", command, question: question(row, wish) } });
}

function question(
  { key, listen, server }: Extract<Row, { kind: "server" }>,
  wish: "drain" | "maint" | "ready",
): string {
  if (wish === "ready") return `Make ${key} ready? It is checked and takes new sessions again.`;
  const sessions =
    server.sessions.current === 1 ? "its 1 session goes on" : `its ${server.sessions.current} sessions go on`;
  const last = isLast(listen.usable, server) ? " IT IS THE LAST SERVER THAT TAKES ANY." : "";
  return wish === "drain"
    ? `Drain ${key}? It takes no new sessions, ${sessions}.${last}`
    : `Put ${key} into maintenance? No checks, no new sessions; ${sessions}.${last}`;
}

function isLast({ active, backup }: { active: number; backup: number }, { admin, up }: ServerSnapshot): boolean {
  return active + backup === 1 && up && admin === "ready";
}
