import { Level } from "../../core/syslogCodes.ts";
import type { JournalEvent } from "../event.ts";
import { wallTime } from "../vrrpWording.ts";
import { subjectId } from "./anchors.ts";
import { esc } from "./html.ts";
import type { PageModel } from "./model.ts";
import type { Look } from "./states.ts";

/** What has happened last, newest first. */
export function eventsSection({ events, wallMs }: PageModel): string {
  const shown = new Set(events.map(({ id }) => id));
  const items = events.map((event) => item(event, shown, wallMs));
  const list = items.length === 0 ? "<p>Nothing has changed yet.</p>" : `<ol class="events">${items.join("")}</ol>`;
  return `<section id="events" aria-labelledby="events-h"><h2 id="events-h">Last events</h2>${list}</section>`;
}

function item(
  { id, wallMs, level, subject, text, cause, because }: JournalEvent,
  shown: ReadonlySet<number>,
  nowMs: number,
): string {
  const target = subjectId(subject);
  const sentence = target === null ? esc(text) : `<a href="#${target}">${esc(text)}</a>`;
  const why = cause === null ? "" : `<small>cause: ${esc(cause)}</small>`;
  const led = because !== null && shown.has(because) ? ` <small><a href="#e${because}">what led to it</a></small>` : "";
  return `<li id="e${id}">${when(wallMs, nowMs)}<p class="st ${lookOf(level)}"><span>${sentence}</span>${why}${led}</p></li>`;
}

/** A moment by the clock of this host; on the day of `nowMs` without the date. */
export function when(wallMs: number, nowMs: number): string {
  const [text, now] = [wallTime(wallMs), wallTime(nowMs)];
  const day = text.indexOf(" ") + 1;
  const shown = text.slice(0, day) === now.slice(0, day) ? text.slice(day) : text;
  return `<time datetime="${new Date(wallMs).toISOString()}" title="${text}">${shown}</time>`;
}

function lookOf(level: Level): Look {
  if (level <= Level.err) return "bad";
  return level === Level.warning ? "warn" : "none";
}
