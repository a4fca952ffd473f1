import { LOOKS } from "./news.client.js";
import { keepingPlace } from "./patch.client.js";

/** Which rows of servers are shown, and in which order. */

const filter = document.getElementById("filter");
let sorting = { column: -1, descending: false };

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

/** Orders the rows of a document as the user wants them. */
export function sortRows(tree) {
  if (sorting.column < 0) return;
  for (const { rows, parentElement } of [...tree.querySelectorAll("table")].map((table) => table.tBodies[0])) {
    const sorted = [...rows].sort(compare);
    if (sorted.some((row, index) => row !== rows[index])) parentElement.tBodies[0].append(...sorted);
  }
}

/** Heads of columns become buttons. */
export function addSorting(tree) {
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

/** Shows what the filter asks for; folds that have something of it open as long as it is asked for. */
export function applyFilter() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0 && openBefore.size === 0) return;
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
  document.getElementById("matches").textContent = words.length === 0 ? "" : `${shown} of ${all} servers`;
}

document.addEventListener("click", ({ target }) => {
  const head = target.closest("thead th");
  if (!head) return;
  const again = sorting.column === head.cellIndex;
  // Figures are wanted for their highest, names and states from the first on.
  sorting = { column: head.cellIndex, descending: again ? !sorting.descending : head.cellIndex > 1 };
  keepingPlace(() => {
    sortRows(document);
    addSorting(document);
  });
});
filter.addEventListener("input", applyFilter);
