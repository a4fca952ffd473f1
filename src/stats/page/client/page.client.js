import { say, states, tell } from "./news.client.js";
import { keepingPlace, patch, patchChildren } from "./patch.client.js";
import { addSorting, applyFilter, sortRows } from "./rows.client.js";

/** The page is whole without this: it keeps what is shown up to date in place, and lets it stand still. */

const root = document.documentElement;
const byId = (id) => document.getElementById(id);
const pause = byId("pause");

/** Without `refresh` in the configuration the page stands still until somebody asks for more. */
const configuredS = Number(root.dataset.refresh);
const periodMs = (configuredS || 5) * 1000;
const patienceMs = Math.max(2000, Math.min(periodMs, 10_000));
/** What came of an action is shown for so long. */
const NOTICE_MS = 15_000;

/** The same page, without what came of an earlier action. */
const page = location.pathname.replace(/;st=\w*/, "");
const source = `${page.includes(";norefresh") ? page : `${page};norefresh`}${location.search}`;
if (page !== location.pathname) history.replaceState(null, "", page + location.search + location.hash);

let paused = configuredS === 0 || page.includes(";norefresh");
let timer = 0;
let stale = false;
let noticeUntilMs = performance.now() + NOTICE_MS;
/** Of the request that is under way; a later one takes its place. */
let asking = new AbortController();

/** Answers whether the balancer did. */
async function load(url, request) {
  clearTimeout(timer);
  asking.abort();
  const mine = new AbortController();
  asking = mine;
  const impatience = setTimeout(() => mine.abort(), patienceMs);
  let text = "";
  let failure = "";
  try {
    const answer = await fetch(url, { cache: "no-store", signal: mine.signal, ...request });
    if (answer.ok) text = await answer.text();
    else failure = `it answered ${answer.status}`;
  } catch {
    failure = "it does not answer";
  }
  clearTimeout(impatience);
  if (asking !== mine) return false;
  if (failure === "") take(text);
  else markStale(failure);
  schedule();
  return failure === "";
}

function take(text) {
  const next = new DOMParser().parseFromString(text, "text/html");
  // Not our page, as after a change of address; or made for another script, after an upgrade.
  if (next.documentElement.dataset.build !== root.dataset.build) return location.reload();
  const notice = next.getElementById("notice");
  if (notice.textContent !== "") noticeUntilMs = performance.now() + NOTICE_MS;
  else if (performance.now() < noticeUntilMs) notice.innerHTML = byId("notice").innerHTML;
  const before = states();
  sortRows(next);
  keepingPlace(() => {
    document.title = next.title;
    patch(document.querySelector("link[rel=icon]"), next.querySelector("link[rel=icon]"));
    patchChildren(document.body, next.body);
    settle();
  }, byId("filter"));
  if (stale) say("the balancer answers again");
  stale = false;
  document.body.classList.remove("stale");
  tell(before);
}

/** What is shown is as old as it says; `why`: what is wrong with newer. */
function markStale(why) {
  if (!stale) say(`stale: the balancer could not be asked, ${why}`);
  stale = true;
  document.body.classList.add("stale");
  const fresh = byId("fresh");
  fresh.replaceChildren("stale since ", fresh.querySelector("time"), `: ${why}`);
}

/** What the server's own page does not have. */
function settle() {
  addSorting(document);
  applyFilter();
  readyActions();
}

/** Buttons wait for a chosen server. */
function readyActions() {
  for (const form of document.querySelectorAll("form")) {
    const none = !form.querySelector("input:checked");
    for (const button of form.querySelectorAll(".act button")) button.disabled = none;
  }
}

async function act(form, submitter) {
  const body = new URLSearchParams(new FormData(form, submitter));
  // An element of the form is called "action" as well.
  if (!(await load(form.getAttribute("action"), { method: "POST", body }))) return;
  for (const box of form.querySelectorAll("input:checked")) box.checked = false;
  form.querySelector(".kill").open = false;
  readyActions();
}

function update() {
  return load(source, {});
}

function schedule() {
  clearTimeout(timer);
  if (!paused && !document.hidden) timer = setTimeout(update, periodMs);
}

function namePause() {
  pause.textContent = paused ? "Resume" : "Pause";
  pause.classList.toggle("on", paused);
}

/** A link into what is folded away unfolds it. */
function reveal() {
  const target = byId(location.hash.slice(1));
  const fold = target?.querySelector("details") ?? target?.closest("details");
  if (!fold || fold.open) return;
  fold.open = true;
  target.scrollIntoView();
}

document.addEventListener("submit", (event) => {
  if (event.submitter?.formMethod === "dialog") return;
  event.preventDefault();
  act(event.target, event.submitter);
});
document.addEventListener("change", readyActions);
document.addEventListener("visibilitychange", () => (document.hidden || paused ? schedule() : update()));
pause.addEventListener("click", () => {
  paused = !paused;
  namePause();
  if (paused) clearTimeout(timer);
  else update();
});
addEventListener("hashchange", reveal);

byId("live").hidden = false;
namePause();
settle();
reveal();
schedule();
