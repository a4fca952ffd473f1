import { beforeEach, describe, expect, test } from "bun:test";
import { sessionId, threadOf } from "../../src/pool/sessionView.ts";
import type { Session } from "../../src/relay/session.ts";
import { SESSIONS_A_PAGE, SessionLists } from "../../src/relay/sessionLists.ts";

/** A session as far as lists look into it: established, idle, its client on 127.0.0.1. */
function session(number: number): Session {
  return {
    number,
    phase: "established",
    listen: { id: 3 },
    acceptedMs: 1000,
    acceptedWallMs: 5000,
    dialer: { server: 1, boundTo: -1, phase: "done", retries: 0 },
    up: { bytes: 10, heldBytes: 0 },
    down: { bytes: 20, heldBytes: 5 },
    client: { remoteAddress: "127.0.0.1", remotePort: 4711, localAddress: "127.0.0.1", localPort: 80, fd: 9 },
    server: null,
    deadlines: { clientMs: 2500, serverMs: Infinity },
  } as unknown as Session;
}

const THREAD = 2;
let live: Session[];
let lists: SessionLists;

beforeEach(() => {
  live = Array.from({ length: 2 * SESSIONS_A_PAGE + 10 }, (_, number) => session(number));
  lists = new SessionLists(
    THREAD,
    () => [...live],
    () => 1700,
  );
});

const numbers = (list: number): number[] => lists.page(list, false).map(({ id }) => id - sessionId(THREAD, 0));
const end = (number: number): void => {
  const ended = live.find((each) => each.number === number) as Session;
  ended.phase = "finished";
  live = live.filter((each) => each !== ended);
};

describe("the list of a thread's sessions", () => {
  test("comes in full pages and one that is not, everybody once", () => {
    const pages = [numbers(1), numbers(1), numbers(1)];
    expect(pages.map(({ length }) => length)).toEqual([SESSIONS_A_PAGE, SESSIONS_A_PAGE, 10]);
    expect(pages.flat().toSorted((a, b) => a - b)).toEqual(live.map(({ number }) => number));
  });

  test("has nobody who left before their turn, and nobody who came since, but all others", () => {
    const first = new Set(numbers(1));
    const left = live.map(({ number }) => number).find((number) => !first.has(number)) as number;
    end(left);
    end([...first][0] as number); // its place may be somebody else's now
    live.push(session(999));
    const rest = [...numbers(1), ...numbers(1)];
    expect(rest).not.toContain(left);
    expect(rest).not.toContain(999);
    expect(first.size + rest.length).toBe(2 * SESSIONS_A_PAGE + 9);
  });

  test("is taken by each reader for themselves, and begins anew when it was dropped", () => {
    const first = numbers(1);
    expect(numbers(2)).toEqual(first);
    lists.drop(1);
    expect(numbers(1)).toEqual(first);
  });

  test("of nobody is one empty page", () => {
    live = [];
    expect(lists.page(1, false)).toEqual([]);
  });

  test("finds a session by the number that it was told by, as long as it lives", () => {
    const [view] = lists.page(1, false);
    const id = view?.id as number;
    expect(threadOf(id)).toBe(THREAD);
    expect(sessionId(THREAD, lists.find(id)?.number as number)).toBe(id);
    end(lists.find(id)?.number as number);
    expect(lists.find(id)).toBeNull();
    expect(lists.find(sessionId(THREAD + 1, 0))).toBeNull();
  });

  test("tells how each stands", () => {
    live = [session(7)];
    expect(lists.page(2, false)).toMatchObject([{ clientLocal: null, serverLocal: null }]);
    expect(lists.page(1, true)).toEqual([
      {
        id: sessionId(THREAD, 7),
        listen: 3,
        server: 1,
        phase: "established",
        client: { host: "127.0.0.1", port: 4711 },
        clientLocal: { host: "127.0.0.1", port: 80 },
        serverLocal: null,
        clientFd: 9,
        serverFd: -1,
        acceptedWallMs: 5000,
        ageMs: 700,
        bytesIn: 10,
        bytesOut: 20,
        heldIn: 0,
        heldOut: 5,
        retries: 0,
        clientExpiresMs: 800,
        serverExpiresMs: null,
      },
    ]);
  });
});
