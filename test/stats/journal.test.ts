import { describe, expect, test } from "bun:test";
import { Level } from "../../src/core/syslogCodes.ts";
import type { EventDraft, EventSubject } from "../../src/stats/event.ts";
import { chainOf, Journal } from "../../src/stats/journal.ts";

const WEB: EventSubject = { kind: "listen", listen: "web" };
const S1: EventSubject = { kind: "server", listen: "web", server: "s1" };
const S2: EventSubject = { kind: "server", listen: "web", server: "s2" };

function draft(subject: EventSubject, change: string, over: Partial<EventDraft> = {}): EventDraft {
  return { wallMs: 1000, level: Level.notice, subject, change, text: change, cause: null, because: [], ...over };
}

describe("the journal", () => {
  test("numbers events from 1, oldest first, and finds what led to one by what it is about", () => {
    const journal = new Journal();
    journal.add(draft(S1, "down"));
    journal.add(draft(S2, "down"));
    journal.add(draft(S1, "up"));
    journal.add(draft(WEB, "noServer", { because: [{ subject: S2, changes: ["down", "maint"] }] }));
    const fault = draft({ kind: "instance", instance: "VI_1" }, "FAULT", {
      because: [{ subject: WEB, changes: ["noServer", "down"], withServers: true }],
    });
    expect(journal.add(fault).because).toBe(4);
    expect(journal.events.map(({ id, because }) => [id, because])).toEqual([
      [1, null],
      [2, null],
      [3, null],
      [4, 2],
      [5, 4],
    ]);
    expect(chainOf(journal.events[4] as never, journal.events).map(({ id }) => id)).toEqual([5, 4, 2]);
  });

  test("a listen's servers count only when they are asked for, and nobody else's at all", () => {
    const journal = new Journal();
    journal.add(draft(S1, "down"));
    const ask = (withServers: boolean, listen = "web") =>
      journal.add(
        draft(WEB, "x", { because: [{ subject: { kind: "listen", listen }, changes: ["down"], withServers }] }),
      ).because;
    expect([ask(true), ask(false), ask(true, "api")]).toEqual([1, null, null]);
  });

  test("keeps so many events and so many characters; the numbers go on", () => {
    const few = new Journal([], { events: 3, characters: 1000 });
    for (let i = 0; i < 10; i++) few.add(draft(S1, "down"));
    expect(few.events.map(({ id }) => id)).toEqual([8, 9, 10]);
    const short = new Journal([], { events: 100, characters: 10 });
    for (let i = 0; i < 5; i++) short.add(draft(S1, "down", { text: "12345" }));
    expect(short.events.map(({ id }) => id)).toEqual([4, 5]);
    short.add(draft(S1, "down", { text: "x".repeat(50) }));
    expect(short.events.map(({ id }) => id)).toEqual([6]);
  });

  test("a cause that has made room is none any more", () => {
    const journal = new Journal([], { events: 2, characters: 1000 });
    const because = [{ subject: S1, changes: ["down"] }];
    journal.add(draft(S1, "down"));
    journal.add(draft(WEB, "noServer", { because }));
    journal.add(draft(S2, "up"));
    const [noServer] = journal.events;
    expect(noServer?.because).toBe(1);
    expect(chainOf(noServer as never, journal.events).map(({ id }) => id)).toEqual([2]);
    expect(journal.add(draft(WEB, "noServer", { because })).because).toBeNull();
  });

  test("goes on from the events of another one, and takes each of its events once", () => {
    const first = new Journal();
    first.add(draft(S1, "down"));
    const second = new Journal(first.events);
    const up = first.add(draft(S1, "up"));
    for (const event of [up, up, ...first.events]) second.take(event);
    expect(second.events).toEqual(first.events);
    expect(second.add(draft(S1, "down")).id).toBe(3);
  });

  test("a sentence of any length is cut, and its cause", () => {
    const { text, cause } = new Journal().add(draft(S1, "down", { text: "a".repeat(1e6), cause: "b".repeat(1e6) }));
    expect([text.length, cause?.length]).toEqual([2048, 2048]);
  });

  test("a journal that leads in circles ends all the same", () => {
    const event = { ...draft(S1, "down"), id: 1, because: 1 };
    expect(chainOf(event, [event])).toHaveLength(2);
  });
});
