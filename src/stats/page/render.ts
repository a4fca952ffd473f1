import { PAGE_SCRIPT, PAGE_STYLE } from "./assets.ts";
import { eventsSection, when } from "./events.ts";
import { factsSection } from "./facts.ts";
import { esc, nameOf } from "./html.ts";
import { listensSection } from "./listens.ts";
import type { PageModel } from "./model.ts";
import { routersSection } from "./routers.ts";
import { trafficSection } from "./traffic.ts";
import { troubleSection } from "./troubleList.ts";
import { type Verdict, verdictOf } from "./verdict.ts";

/** A page that is open in a browser while the program is upgraded gets the new script by reloading itself. */
const BUILD = Bun.hash(PAGE_STYLE + PAGE_SCRIPT).toString(36);

/** Drawn like the states on the page, so that a tab among many tells how things stand. */
const ICONS: Readonly<Record<Verdict["look"], string>> = {
  ok: "<circle cx='8' cy='8' r='7' fill='#1a7f37'/>",
  warn: "<path d='M8 0 16 8 8 16 0 8z' fill='#bf8700'/>",
  bad: "<path d='M0 1h16L8 16z' fill='#cf222e'/>",
};

/**
 * The status page: one document without any external part, whole without JavaScript. Its style and script are {@link PAGE_STYLE}
 * and {@link PAGE_SCRIPT}; besides these it has no inline style or handler.
 */
export function renderPage(model: PageModel): string {
  return [...renderPieces(model)].join("");
}

/** The same in pieces: what is before the listens, each of them, and what is behind them. */
export function* renderPieces(given: PageModel): Generator<string> {
  const model = inScope(given);
  const verdict = verdictOf(model.snapshot);
  yield `<!doctype html>
<html lang="en" data-build="${BUILD}" data-refresh="${model.refreshS ?? 0}">
<head>
${head(model, verdict)}
<style>${PAGE_STYLE}</style>
<script type="module">${PAGE_SCRIPT}</script>
</head>
<body>
<a class="skip" href="#listens">Skip to the listens</a>
${banner(model, verdict)}
<main>
${notice(model)}
${troubleSection(model)}
${trafficSection(model)}
${routersSection(model.snapshot.vrrp)}
`;
  yield* listensSection(model);
  yield `
${eventsSection(model)}
${factsSection(model)}
</main>
${footer(model)}
</body>
</html>
`;
}

function inScope(model: PageModel): PageModel {
  const { scope, snapshot } = model;
  if (scope === null) return model;
  return { ...model, snapshot: { ...snapshot, listens: snapshot.listens.filter(({ name }) => name.includes(scope)) } };
}

function head({ refreshS, uri, notice, snapshot }: PageModel, { look, text }: Verdict): string {
  const icon = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>${ICONS[look]}</svg>`;
  // What came of an action is told once.
  const target = notice === null ? "" : `;url=${esc(uri)}`;
  const refresh =
    refreshS === null ? "" : `<noscript><meta http-equiv="refresh" content="${refreshS}${target}"></noscript>`;
  return `<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
${refresh}<title>${esc(text)} · ${esc(snapshot.process.node)}</title>
<link rel="icon" href="data:image/svg+xml,${encodeURIComponent(icon)}">`;
}

function banner({ snapshot, wallMs }: PageModel, { look, text }: Verdict): string {
  return `<header class="banner ${look}"><div><p class="brand">haproxy-lite <b>${nameOf(snapshot.process.node)}</b></p>
<h1 class="st ${look}" id="verdict"><span>${esc(text)}</span></h1></div>
<div class="tools"><p id="fresh">as of ${when(wallMs, 0)}</p>
<div id="live" data-keep hidden><label>Filter <input id="filter" type="search" placeholder="name or state" autocomplete="off" spellcheck="false"></label> <output id="matches" for="filter"></output>
<button id="pause" type="button">Pause</button></div></div></header>
<p id="news" class="vh" role="status" aria-live="polite" data-keep></p>`;
}

function notice({ notice }: PageModel): string {
  const words = notice === null ? "" : `<span class="st ${notice.ok ? "ok" : "bad"}">${esc(notice.text)}</span>`;
  return `<p id="notice" role="status">${words}</p>`;
}

function footer({ uri, scope, hideVersion, snapshot }: PageModel): string {
  const query = scope === null ? "" : `?scope=${encodeURIComponent(scope)}`;
  const link = (option: string, text: string) => `<a href="${esc(`${uri};${option}${query}`)}">${text}</a>`;
  const version = hideVersion ? "" : ` ${esc(snapshot.process.version)}`;
  return `<footer><p>haproxy-lite${version}</p><nav aria-label="Other forms of this page">${link("csv", "CSV")} ${link("json", "JSON")} <a href="/metrics">Metrics</a> ${link("norefresh", "Without refresh")}</nav></footer>`;
}
