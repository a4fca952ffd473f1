import { humanBytes, humanCount, humanDuration } from "../humanise.ts";
import type { ListenSnapshot } from "../snapshot.ts";
import { plural, removal } from "../wording.ts";
import { adminForm } from "./adminForm.ts";
import { listenId } from "./anchors.ts";
import { esc } from "./html.ts";
import type { History, PageModel } from "./model.ts";
import { meter, serverRow, TABLE_HEAD, totalRow } from "./serverRow.ts";
import { describe, sparkline } from "./sparkline.ts";
import { type Look, listenLook, serverLook } from "./states.ts";
import { bytesPerSecond } from "./traffic.ts";

/** Beyond so many servers on the page, those of listens in which all is well are folded away. */
const OPEN_SERVERS = 120;

/** The listens, each with its servers and in a piece of its own. */
export function* listensSection(model: PageModel): Generator<string> {
  const { listens, process } = model.snapshot;
  const servers = listens.reduce((sum, listen) => sum + listen.servers.length, 0);
  const isLarge = servers > OPEN_SERVERS;
  const empty =
    process.crashLoop === null ? "No listens." : "Nothing is known of them until a proxy process runs again.";
  yield `<section id="listens" aria-labelledby="listens-h" tabindex="-1"><h2 id="listens-h">Listens</h2>${scopeNote(model)}${listens.length === 0 ? `<p>${empty}</p>` : ""}`;
  for (const listen of listens) yield listenBlock(listen, model, isLarge);
  yield "</section>";
}

function scopeNote({ scope, uri }: PageModel): string {
  if (scope === null || scope === "") return "";
  return `<p class="note">Only listens whose name contains “<bdi>${esc(scope)}</bdi>”. <a href="${esc(uri)}">Show all</a></p>`;
}

function listenBlock(listen: ListenSnapshot, model: PageModel, isLarge: boolean): string {
  const { name, leavingForMs, servers } = listen;
  const id = listenId(name, leavingForMs !== null);
  const looks = servers.map(serverLook);
  const isWell = listen.status === "OPEN" && looks.every((look) => look === "ok" || look === "none");
  const table =
    servers.length === 0
      ? '<p class="alone">It has no servers.</p>'
      : adminForm(
          model,
          name,
          `<div class="scroll"><table><caption class="vh">Servers of ${esc(name)}</caption>${TABLE_HEAD}<tbody>` +
            servers.map((server) => serverRow(name, server, model.csrf !== null)).join("") +
            `</tbody><tfoot>${totalRow(listen)}</tfoot></table></div>`,
        );
  return (
    `<section class="listen" id="${id}" aria-labelledby="${id}-h">${head(listen, id, model.history)}` +
    `<details${isLarge && isWell ? "" : " open"}><summary class="fold">${summary(listen, looks)}</summary>${table}</details></section>`
  );
}

function head(listen: ListenSnapshot, id: string, history: History): string {
  const { name, status, inStateMs, binds, balance, sessions, rate, leavingForMs, queue } = listen;
  const note = removal(leavingForMs)[0] ?? `for ${humanDuration(inStateMs)}`;
  const of = sessions.limit === null ? "" : ` <span>/ ${humanCount(sessions.limit)}</span>`;
  return (
    `<header class="lhead"><div class="lname"><h3 id="${id}-h"><bdi>${esc(name)}</bdi></h3><p class="st ${listenLook(listen)}"><b>${status}</b> ${note}</p>` +
    `<p class="mut">${esc(binds.join(" "))} <span>${esc(balance)}</span></p></div>` +
    `<dl class="lnow"><div><dt>Sessions</dt><dd>${humanCount(sessions.current)}${of}${meter(sessions.current, sessions.limit)}</dd></div>` +
    `<div><dt>New</dt><dd>${humanCount(rate.now)}/s</dd></div><div><dt>Queue</dt><dd>${humanCount(queue.current)}</dd></div></dl>${sparks(listen, history)}</header>`
  );
}

/** The figure shows what came last; a listen on its way out has made room for another of its name, whose figures these are. */
function sparks({ name, leavingForMs }: ListenSnapshot, history: History): string {
  const series = Object.hasOwn(history.listens, name) ? history.listens[name] : undefined;
  if (series === undefined || leavingForMs !== null) return "";
  const { sessions, bytesIn, bytesOut } = series;
  const speech = `${describe(bytesIn, { what: "Throughput in", say: bytesPerSecond })}; ${describe(bytesOut, { what: "out", say: bytesPerSecond })}`;
  return (
    `<figure><figcaption>Sessions</figcaption>${sparkline([{ values: sessions, kind: "a" }], describe(sessions, { what: "Sessions", say: humanCount }))}</figure>` +
    `<figure><figcaption>In ${humanBytes(bytesIn.at(-1) ?? 0)}, out ${bytesPerSecond(bytesOut.at(-1) ?? 0)}</figcaption>` +
    `${sparkline(
      [
        { values: bytesOut, kind: "b" },
        { values: bytesIn, kind: "a" },
      ],
      speech,
    )}</figure>`
  );
}

const IN_WORDS: readonly (readonly [Look, string])[] = [
  ["bad", "down"],
  ["warn", "changing"],
  ["maint", "in maintenance"],
  ["drain", "draining"],
  ["ok", "up"],
  ["none", "not checked"],
];

/** "3 servers: 1 down, 2 up" */
function summary({ servers }: ListenSnapshot, looks: readonly Look[]): string {
  const parts = IN_WORDS.flatMap(([look, words]) => {
    const count = looks.filter((each) => each === look).length;
    return count === 0 ? [] : [`<span class="st ${look}">${count} ${words}</span>`];
  });
  return `${servers.length} server${plural(servers.length)} ${parts.join(" ")}`;
}
