import { humanDuration } from "../humanise.ts";
import { plural } from "../wording.ts";
import { when } from "./events.ts";
import { esc, nameOf } from "./html.ts";
import type { PageModel } from "./model.ts";
import { type Trouble, troublesOf } from "./troubles.ts";

/** More than this would hide what else there is to see; all of it stands further down. */
const MOST = 24;

/** What is wrong, and what may surprise, each with since when and why; nothing when there is nothing to say. */
export function troubleSection({ snapshot, wallMs }: PageModel): string {
  const troubles = troublesOf(snapshot);
  if (troubles.length === 0) return "";
  const isBad = troubles.some(({ look }) => look === "bad" || look === "warn");
  const items = troubles.slice(0, MOST).map((trouble) => item(trouble, wallMs));
  const left = troubles.length - items.length;
  const more = left <= 0 ? "" : `<li class="more">and ${left} more, see the listen${plural(left)} below</li>`;
  return `<section id="problems" aria-labelledby="problems-h"><h2 id="problems-h">${isBad ? "What is wrong" : "Worth knowing"}</h2><ul class="troubles">${items.join("")}${more}</ul></section>`;
}

function item({ look, name, id, what, forMs, why }: Trouble, wallMs: number): string {
  const subject = id === null ? nameOf(name) : `<a href="#${id}">${nameOf(name)}</a>`;
  const since =
    forMs === null
      ? ""
      : `<span class="since">for ${humanDuration(forMs)}, since ${when(wallMs - forMs, wallMs)}</span>`;
  const cause = why === "" ? "" : `<span class="why">${esc(why)}</span>`;
  return `<li class="st ${look}"><span class="who">${subject} <b>${esc(what)}</b></span>${since}${cause}</li>`;
}
