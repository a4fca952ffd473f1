// The page is whole without this: it keeps what is shown up to date in place, and adds a filter, sorting and a pause.

const root = document.documentElement;
const byId = (id) => document.getElementById(id);
const [live, pause, filter, matches, news] = ["live", "pause", "filter", "matches", "news"].map(byId);

/** Without `refresh` in the configuration the page stands still until somebody asks for more. */
const configured = Number(root.dataset.refresh);
const periodMs = (configured || 5) * 1000;
const patience = AbortSignal.timeout
  ? () => AbortSignal.timeout(Math.max(2000, Math.min(periodMs, 10_000)))
  : () => null;

/** The same page, without what came of an earlier action. */
const page = location.pathname.replace(/;st=\w*/, "");
const source = `${page.includes(";norefresh") ? page : `${page};norefresh`}${location.search}`;
if (page !== location.pathname) history.replaceState(null, "", page + location.search + location.hash);

let paused = configured === 0 || page.includes(";norefresh");
let timer = 0;
let busy = false;
let stale = false;
let sorting = { column: -1, descending: false };

// ---- patching: the old tree becomes like the new one, and what has not changed is not touched

const KEPT = new Set(["open", "hidden", "aria-sort", "disabled"]);

function patch(from, to) {
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  if ("keep" in from.dataset) return;
  for (const { name } of [...from.attributes])
    if (!KEPT.has(name) && !to.hasAttribute(name)) from.removeAttribute(name);
  for (const { name, value } of to.attributes) {
    if (!KEPT.has(name) && from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  // What nobody sees is exchanged rather than compared: a large page has most of its rows folded away.
  const folded = from.localName === "details" && !from.open && !from.contains(document.activeElement);
  if (folded && !from.querySelector("input:checked")) from.replaceChildren(...to.childNodes);
  else patchChildren(from, to);
}

function patchChildren(from, to) {
  const wanted = new Set([...to.children].map(({ id }) => id));
  const known = new Map();
  for (const child of [...from.children]) {
    if (child.id === "") continue;
    if (wanted.has(child.id)) known.set(child.id, child);
    else child.remove();
  }
  let at = from.firstChild;
  for (const next of [...to.childNodes]) {
    const alike = at && !at.id && !next.id && at.nodeName === next.nodeName ? at : null;
    const old = next.id ? known.get(next.id) : alike;
    if (!old) {
      from.insertBefore(next, at);
      continue;
    }
    if (old === at) at = at.nextSibling;
    else from.insertBefore(old, at);
    patch(old, next);
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

/** Focus and selected text stay where they are, even if their element had to move. */
function keepingPlace(change) {
  const { activeElement: focused } = document;
  const { anchorNode, anchorOffset, focusNode, focusOffset } = getSelection();
  change();
  if (focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
  if (focused === filter || !anchorNode?.isConnected || !focusNode?.isConnected) return;
  const within = (node, offset) => Math.min(offset, node.data?.length ?? node.childNodes.length);
  getSelection().setBaseAndExtent(
    anchorNode,
    within(anchorNode, anchorOffset),
    focusNode,
    within(focusNode, focusOffset),
  );
}

// ---- what changed, for those who do not see it

const LOOKS = ["ok", "warn", "bad", "maint", "drain", "none"];

function states() {
  const found = new Map();
  for (const element of document.querySelectorAll("tr[id], .listen, .card")) {
    const state = element.querySelector(".st");
    const look = LOOKS.find((each) => state.classList.contains(each));
    found.set(element.id, { look, element, words: state.querySelector("b").textContent });
  }
  return found;
}

function tell(before) {
  const changes = [];
  for (const [id, { look, element, words }] of states()) {
    const old = before.get(id);
    if (old && old.look === look) continue;
    element.classList.add("changed");
    element.addEventListener("animationend", () => element.classList.remove("changed"), { once: true });
    const why = look === "bad" ? (element.querySelector(".ck")?.firstChild?.data ?? "") : "";
    changes.push(`${decodeURIComponent(id.slice(2))} ${old ? "is" : "is new:"} ${words}${why && `, ${why}`}`);
  }
  for (const id of before.keys()) if (!byId(id)) changes.push(`${decodeURIComponent(id.slice(2))} is gone`);
  const more = changes.length > 4 ? [`and ${changes.length - 4} more changes`] : [];
  if (changes.length > 0) say([...changes.slice(0, 4), ...more, byId("verdict").textContent].join(". "));
}

function say(text) {
  news.textContent = text;
}

// ---- filter and sort

function sortKey(row, column) {
  const cell = row.cells[column];
  if (column === 1)
    return LOOKS.indexOf(LOOKS.find((look) => cell.classList.contains(look))) * 1e15 + Number(cell.dataset.v);
  const text = cell.dataset.v ?? cell.textContent;
  const number = Number.parseFloat(text);
  return column === 0 || column === 7 || Number.isNaN(number) ? text : number;
}

function compare(one, other) {
  const [a, b] = [sortKey(one, sorting.column), sortKey(other, sorting.column)];
  const order = typeof a === "string" ? a.localeCompare(b, undefined, { numeric: true }) : a - b;
  return sorting.descending ? -order : order;
}

function sortRows(tree) {
  if (sorting.column < 0) return;
  for (const { rows, parentElement } of [...tree.querySelectorAll("table")].map((table) => table.tBodies[0])) {
    const sorted = [...rows].sort(compare);
    if (sorted.some((row, index) => row !== rows[index])) parentElement.tBodies[0].append(...sorted);
  }
}

function addSorting(tree) {
  for (const head of tree.querySelectorAll("thead th:not(:has(button))")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
  }
  for (const head of tree.querySelectorAll("thead th")) {
    const order = sorting.descending ? "descending" : "ascending";
    if (head.cellIndex === sorting.column) head.setAttribute("aria-sort", order);
    else head.removeAttribute("aria-sort");
  }
}

/** Whether a listen was open before a filter opened it. */
const openBefore = new Map();

function applyFilter() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  let [shown, all] = [0, 0];
  for (const listen of document.querySelectorAll(".listen")) {
    const own = listen.querySelector(".lname").textContent.toLowerCase();
    let found = words.every((word) => own.includes(word));
    const whole = found;
    for (const row of listen.querySelectorAll("tbody tr")) {
      const text =
        `${listen.querySelector("h3").textContent}/${row.cells[0].textContent} ${row.cells[1].textContent}`.toLowerCase();
      row.hidden = !whole && !words.every((word) => text.includes(word));
      all++;
      if (row.hidden) continue;
      shown++;
      found = true;
    }
    listen.hidden = !found;
    const details = listen.querySelector("details");
    if (words.length > 0 && !openBefore.has(listen.id)) openBefore.set(listen.id, details.open);
    if (words.length > 0 && found && !whole) details.open = true;
    if (words.length === 0 && openBefore.has(listen.id)) details.open = openBefore.get(listen.id);
  }
  if (words.length === 0) openBefore.clear();
  matches.textContent = words.length === 0 ? "" : `${shown} of ${all} servers`;
}

// ---- actions: buttons wait for a chosen server

function readyActions() {
  for (const form of document.querySelectorAll("form")) {
    const none = !form.querySelector("input:checked");
    for (const button of form.querySelectorAll(".act button")) button.disabled = none;
  }
}

async function act(form, submitter) {
  const data = new URLSearchParams(new FormData(form, submitter));
  for (const box of form.querySelectorAll("input:checked")) box.checked = false;
  form.querySelector(".kill").open = false;
  await load(form.getAttribute("action"), { method: "POST", body: data }, false);
}

// ---- keeping up to date

function take(text) {
  const next = new DOMParser().parseFromString(text, "text/html");
  // Not our page, as after a change of password; or made for another script, after an upgrade.
  if (next.documentElement.dataset.build !== root.dataset.build) return location.reload();
  const before = states();
  sortRows(next);
  keepingPlace(() => {
    document.title = next.title;
    patch(document.querySelector("link[rel=icon]"), next.querySelector("link[rel=icon]"));
    patchChildren(document.body, next.body);
    settle();
  });
  tell(before);
}

function settle() {
  addSorting(document);
  applyFilter();
  readyActions();
}

async function load(url, request, keepsNotice) {
  clearTimeout(timer);
  if (busy) return;
  busy = true;
  try {
    const answer = await fetch(url, { cache: "no-store", signal: patience(), ...request });
    if (!answer.ok) throw new Error(`it answered ${answer.status}`);
    const notice = byId("notice").innerHTML;
    take(await answer.text());
    if (keepsNotice) byId("notice").innerHTML = notice;
    if (stale) say("the balancer answers again");
    markStale(false);
  } catch (failure) {
    markStale(true, failure.message.startsWith("it answered") ? failure.message : "it does not answer");
  }
  busy = false;
  schedule();
}

function markStale(now, why = "") {
  const since = byId("fresh").querySelector("time");
  if (now && !stale) {
    byId("fresh").replaceChildren("stale since ", since, `: ${why}`);
    say(`stale: the balancer could not be asked, ${why}`);
  }
  stale = now;
  document.body.classList.toggle("stale", now);
}

function schedule() {
  clearTimeout(timer);
  if (!paused && !document.hidden) timer = setTimeout(update, periodMs);
}

function update() {
  return load(source, {}, true);
}

function setPaused(now) {
  paused = now;
  pause.setAttribute("aria-pressed", String(paused));
  pause.textContent = paused ? "Resume" : "Pause";
  if (paused) clearTimeout(timer);
  else update();
}

/** A link into a folded listen unfolds it. */
function reveal() {
  byId(location.hash.slice(1))?.querySelector("details")?.setAttribute("open", "");
  const target = byId(location.hash.slice(1));
  const details = target?.closest("details:not([open])");
  if (!details) return;
  details.open = true;
  target.scrollIntoView();
}

document.addEventListener("click", ({ target }) => {
  const head = target.closest("thead th");
  if (!head) return;
  sorting = {
    column: head.cellIndex,
    descending: sorting.column === head.cellIndex ? !sorting.descending : head.cellIndex > 1,
  };
  keepingPlace(() => {
    sortRows(document);
    addSorting(document);
  });
});
document.addEventListener("submit", (event) => {
  event.preventDefault();
  act(event.target, event.submitter);
});
document.addEventListener("change", readyActions);
document.addEventListener("visibilitychange", () => (document.hidden || paused ? schedule() : update()));
filter.addEventListener("input", applyFilter);
pause.addEventListener("click", () => setPaused(!paused));
addEventListener("hashchange", reveal);

live.hidden = false;
pause.setAttribute("aria-pressed", String(paused));
pause.textContent = paused ? "Resume" : "Pause";
settle();
reveal();
schedule();
