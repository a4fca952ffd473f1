/** What changed, for those who do not see it. */

/** Worst first. */
export const LOOKS = ["bad", "warn", "maint", "drain", "none", "ok"];

/** How everything that has a state stands, by id. */
export function states() {
  const found = new Map();
  for (const element of document.querySelectorAll("tr[id], .listen, .card")) {
    const state = element.querySelector(".st");
    const look = LOOKS.find((each) => state.classList.contains(each));
    found.set(element.id, { look, element, words: state.querySelector("b").textContent });
  }
  return found;
}

/** Shows and says what is not as it was. */
export function tell(before) {
  const changes = [];
  for (const [id, { look, element, words }] of states()) {
    const old = before.get(id);
    if (old && old.look === look) continue;
    element.classList.add("changed");
    element.addEventListener("animationend", () => element.classList.remove("changed"), { once: true });
    const why = look === "bad" ? (element.querySelector(".ck")?.firstChild?.data ?? "") : "";
    changes.push(`${decodeURIComponent(id.slice(2))} ${old ? "is" : "is new:"} ${words}${why && `, ${why}`}`);
  }
  for (const id of before.keys())
    if (!document.getElementById(id)) changes.push(`${decodeURIComponent(id.slice(2))} is gone`);
  const more = changes.length > 4 ? [`and ${changes.length - 4} more changes`] : [];
  if (changes.length > 0)
    say([...changes.slice(0, 4), ...more, document.getElementById("verdict").textContent].join(". "));
}

/** Has it read out, when there is nothing more urgent. */
export function say(text) {
  document.getElementById("news").textContent = text;
}
