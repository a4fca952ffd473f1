import { describe, expect, test } from "bun:test";
import { type SessionView, sessionId } from "../../src/pool/sessionView.ts";
import { SessionList } from "../../src/proxy/sessions.ts";
import type { RelayAnswer, RelayCommand } from "../../src/relay/protocol.ts";

/** Relay threads that answer at once; each has so many pages of one session. */
class Threads {
  readonly said: { thread: number; command: RelayCommand }[] = [];
  private readonly told = new Map<string, number>();

  constructor(private readonly pages: readonly number[]) {}

  get threads(): number {
    return this.pages.length;
  }

  async askOne(thread: number, command: (version: number) => RelayCommand): Promise<RelayAnswer> {
    const asked = command(1);
    this.said.push({ thread, command: asked });
    if (asked.kind === "session") {
      const known = asked.id === sessionId(thread, 5);
      return { kind: "session", version: 1, session: known ? view(asked.id) : null };
    }
    if (asked.kind !== "list") throw new Error(`unexpected ${asked.kind}`);
    const key = `${thread}/${asked.list}`;
    const page = this.told.get(key) ?? 0;
    this.told.set(key, page + 1);
    const pages = this.pages[thread] as number;
    const sessions = page < pages ? [view(sessionId(thread, page))] : [];
    return { kind: "sessions", version: 1, sessions, hasMore: page + 1 < pages };
  }

  tellOne(thread: number, command: RelayCommand): void {
    this.said.push({ thread, command });
  }
}

const view = (id: number): SessionView => ({ id }) as SessionView;

describe("the sessions of all threads", () => {
  test("come thread after thread, page after page, empty ones left out", async () => {
    const threads = new Threads([2, 0, 3]);
    const ids: number[] = [];
    for await (const page of new SessionList(threads).pages(false)) ids.push(...page.map(({ id }) => id));
    expect(ids).toEqual(
      [
        [0, 0],
        [0, 1],
        [2, 0],
        [2, 1],
        [2, 2],
      ].map(([t, n]) => sessionId(t as number, n as number)),
    );
    expect(threads.said.some(({ command }) => command.kind === "dropList")).toBeFalse();
  });

  test("are not asked for before they are wanted, and the thread is told when nobody wants the rest", async () => {
    const threads = new Threads([3, 3]);
    const pages = new SessionList(threads).pages(false);
    await pages.next();
    expect(threads.said).toHaveLength(1);
    await pages.return(undefined);
    const [asked, dropped] = threads.said;
    const list = asked?.command.kind === "list" ? asked.command.list : -1;
    expect(dropped).toEqual({ thread: 0, command: { kind: "dropList", list } });
    expect(threads.said).toHaveLength(2);
  });

  test("are told apart when two read at once", async () => {
    const threads = new Threads([2]);
    const list = new SessionList(threads);
    const [one, two] = [list.pages(false), list.pages(true)];
    const seen = [await one.next(), await two.next(), await one.next(), await two.next()];
    expect(seen.map(({ value }) => (value as SessionView[])[0]?.id)).toEqual(
      [0, 0, 1, 1].map((number) => sessionId(0, number)),
    );
  });

  test("one is found, and ended, by its number on the thread that has it", async () => {
    const threads = new Threads([1, 1]);
    const list = new SessionList(threads);
    expect(await list.find(sessionId(1, 5))).toEqual(view(sessionId(1, 5)));
    expect(await list.end(sessionId(1, 5), "K-")).toBeTrue();
    expect(await list.end(sessionId(1, 6), "K-")).toBeFalse();
    expect(threads.said.map(({ thread }) => thread)).toEqual([1, 1, 1]);
  });

  test.each([0, 1, -1, sessionId(2, 0), Number.MAX_SAFE_INTEGER, Number.NaN])(
    "no thread is asked for %p, which no session of theirs can be",
    async (id) => {
      const threads = new Threads([1, 1]);
      expect(await new SessionList(threads).find(id)).toBeNull();
      expect(threads.said).toEqual([]);
    },
  );
});
