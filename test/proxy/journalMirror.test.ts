import { expect, test } from "bun:test";
import { Level } from "../../src/core/syslogCodes.ts";
import { JournalMirror } from "../../src/proxy/journalMirror.ts";
import type { EventDraft } from "../../src/stats/event.ts";
import { Journal } from "../../src/stats/journal.ts";

function draft(text: string): EventDraft {
  return { wallMs: 0, level: Level.notice, subject: { kind: "process" }, change: "x", text, cause: null, because: [] };
}

/** A supervisor's journal and its mirror; what was told waits until it is let through. */
function pair({ isFrozen = false } = {}) {
  const journal = new Journal();
  const told: EventDraft[] = [];
  const mirror = new JournalMirror([], (event) => {
    if (!isFrozen) told.push(event);
    return !isFrozen;
  });
  const texts = () => mirror.events.map(({ id, text }) => `${id} ${text}`);
  return { journal, told, mirror, texts };
}

test("an own event stands there at once, and once, in the place that the supervisor gives it", () => {
  const { journal, told, mirror, texts } = pair();
  mirror.add(draft("own"));
  expect(texts()).toEqual(["1 own"]);
  mirror.numbered([journal.add(draft("the supervisor's"))], 0);
  expect(texts()).toEqual(["1 the supervisor's", "2 own"]);
  mirror.numbered([journal.add(told[0] as EventDraft)], 1);
  expect(texts()).toEqual(["1 the supervisor's", "2 own"]);
  expect(mirror.events).toEqual(journal.events);
});

test("a supervisor that answers nothing costs so many events, and those it cannot be told are not kept", () => {
  const { mirror, told } = pair();
  for (let i = 0; i < 1000; i++) mirror.add(draft(`${i}`));
  expect([mirror.events.length, mirror.events.at(-1)?.text, told.length]).toEqual([200, "999", 1000]);
  const frozen = pair({ isFrozen: true });
  frozen.mirror.add(draft("lost"));
  expect(frozen.texts()).toEqual([]);
});
