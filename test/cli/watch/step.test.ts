import { describe, expect, test } from "bun:test";
import { listRoom } from "../../../src/cli/watch/layout.ts";
import { BUSY, listenWith, processWith, serverWith } from "../../stats/tableCases.ts";
import { crowd, Play } from "./cases.ts";

const LOOK = { kind: "look" } as const;
const started = (snapshot = crowd(3, 4)) => new Play().tick().sees(snapshot);

describe("looks", () => {
  test("come at once, and then once an interval", () => {
    const play = new Play(80, 24, 2000).tick();
    expect(play.effects).toEqual([LOOK]);
    play.sees(crowd(1, 1));
    expect(play.tick(1000).effects).toEqual([]);
    expect(play.tick(1000).effects).toEqual([LOOK]);
  });

  test("never overlap: the next one waits for the answer", () => {
    const play = new Play().tick();
    expect(play.tick(5000).effects).toEqual([]);
    play.sees(crowd(1, 1));
    expect(play.tick(1).effects).toEqual([LOOK]);
  });

  test("that were missed are not made up for in a burst", () => {
    const play = started().tick(60_000);
    play.sees(crowd(1, 1));
    expect(play.tick(100).effects).toEqual([]);
    expect(play.tick(500).effects).toEqual([LOOK]);
  });

  test("rest while paused, and come at once afterwards", () => {
    const play = started().types("p");
    expect(play.tick(10_000).effects).toEqual([]);
    expect(play.types("p").tick().effects).toEqual([LOOK]);
  });

  test("go on when nobody answers, and say since when that was", () => {
    const play = started().tick(1000).hearsNothing("gone");
    const since = play.state.link;
    expect(since).toMatchObject({ kind: "lost", reason: "gone" });
    expect(play.tick(1000).effects).toEqual([LOOK]);
    play.hearsNothing("still gone", 500);
    expect(play.state.link).toEqual({ ...since, reason: "still gone" } as typeof since);
    expect(play.state.sample).not.toBeNull();
    play.sees(crowd(1, 1));
    expect(play.state).toMatchObject({
      link: { kind: "up" },
      notice: { text: "the balancer answers again, after 1s" },
    });
  });
});

describe("the choice", () => {
  test("moves by rows, pages, and to the ends", () => {
    const play = started();
    const [chosen, room] = [() => play.state.selected, listRoom(play.state)];
    expect(chosen()).toBe("l1");
    expect(play.press("down") && chosen()).toBe("l1/s1");
    expect(play.types("jj") && chosen()).toBe("l1/s3");
    expect(play.types("k").press("up") && chosen()).toBe("l1/s1");
    expect(play.press("end") && chosen()).toBe("l3/s4");
    expect(play.press("down") && chosen()).toBe("l3/s4");
    expect(play.press("home") && chosen()).toBe("l1");
    const long = started(crowd(1, 100)).press("pageDown");
    expect(long.state.selected).toBe(`l1/s${room - 1}`);
    expect(long.press("pageUp").state.selected).toBe("l1");
  });

  test("stays on the screen", () => {
    const play = started(crowd(50, 40)).press("end");
    const { top, listed } = play.state;
    expect(top).toBe(listed.length - listRoom(play.state));
    expect(play.press("up").state.top).toBe(top);
    expect(play.press("home").state.top).toBe(0);
    expect(play.press("down", "down").state.top).toBe(0);
  });

  test("has four rows around it at least, whatever else there is to say", () => {
    const down = serverWith({ name: "a", up: false, status: "DOWN" });
    const listen = listenWith({ name: "web", available: false, servers: [down] });
    const troubled = { process: processWith(), vrrp: null, listens: [listen] };
    for (const rows of [7, 8, 9, 12])
      expect(listRoom(new Play(80, rows).tick().sees(troubled).state)).toBeGreaterThanOrEqual(4);
  });

  test("follows its row when the order changes", () => {
    const busy = (current: number) =>
      listenWith({
        name: "web",
        servers: ["a", "b", "c"].map((name, i) =>
          serverWith({ name, sessions: { current: i === 0 ? current : 5, max: 0, limit: null, total: 0 } }),
        ),
      });
    const snapshot = (current: number) => ({ process: processWith(), vrrp: null, listens: [busy(current)] });
    const play = started(snapshot(9)).press("down").types("ss");
    expect(play.state).toMatchObject({ selected: "web/a", choice: { order: "sessions" } });
    play.sees(snapshot(0));
    expect(play.state.selected).toBe("web/a");
    expect(play.state.listed.at(-1)?.key).toBe("web/a");
  });

  test("goes to the next one when its row is gone, and to none when all are", () => {
    const play = started(crowd(1, 3)).press("end");
    expect(play.sees(crowd(1, 2)).state.selected).toBe("l1/s2");
    expect(play.sees({ ...crowd(0, 0) }).state.selected).toBeNull();
    expect(play.press("down", "enter", "pageUp").types("dmr").state.view).toEqual({ kind: "list" });
  });

  test("survives a screen that shrinks to nothing", () => {
    const play = started(crowd(5, 5)).press("end");
    for (const [columns, rows] of [
      [80, 6],
      [10, 2],
      [1, 1],
      [200, 60],
    ] as const) {
      play.happens({ kind: "resize", columns, rows });
      expect(play.effects).toEqual([{ kind: "redraw" }]);
      expect(play.press("down", "pageUp", "pageDown", "end").state.selected).toBe("l5/s5");
    }
  });
});

describe("filtering", () => {
  test("happens while one types, Enter keeps it, and Esc takes it back", () => {
    const play = started().types("/l2");
    expect(play.state.listed.map(({ key }) => key)[0]).toBe("l2");
    expect(play.press("enter").state).toMatchObject({ prompt: null, choice: { filter: "l2" } });
    expect(play.types("/x").press("backspace").state.choice.filter).toBe("l2");
    expect(play.press("escape").state).toMatchObject({ prompt: null, choice: { filter: "l2" } });
    expect(play.press("escape").state.choice.filter).toBe("");
  });

  test("takes every letter as a letter, commands included", () => {
    const play = started().types("/qdmr?");
    expect(play.effects).toEqual([]);
    expect(play.state.choice.filter).toBe("qdmr?");
    expect(play.press("ctrl-u").state.choice.filter).toBe("");
    expect(play.press("ctrl-c").effects).toEqual([{ kind: "quit" }]);
  });

  test("by f is by the listen of the chosen row, and again by nothing", () => {
    const play = started().press("end").types("f");
    expect(play.state).toMatchObject({ choice: { filter: "l3" }, selected: "l3/s4" });
    expect(play.types("f").state.choice.filter).toBe("");
  });
});

describe("a change of a server", () => {
  const asked = (key: string) => started().press("down").types(key);

  test.each([
    ["d", "drain"],
    ["m", "maint"],
    ["r", "ready"],
  ])("by %s is %s, once it is confirmed", (key, state) => {
    const play = asked(key);
    expect(play.effects).toEqual([]);
    expect(play.state.prompt).toMatchObject({ kind: "confirm", command: `set server l1/s1 state ${state}` });
    expect(play.types("y").effects).toEqual([{ kind: "command", command: `set server l1/s1 state ${state}` }]);
    expect(play.state.prompt).toBeNull();
  });

  test.each(["n", " ", "q", "d"])("is not made when the answer is %j", (key) => {
    const play = asked("m").types(key);
    expect(play.effects).toEqual([]);
    expect(play.state).toMatchObject({ prompt: null, notice: { text: "nothing was changed" } });
  });

  test("warns of the last server that takes sessions, and counts those it has", () => {
    const server = serverWith({ name: "a", sessions: { current: 7, max: 7, limit: null, total: 7 } });
    const listen = listenWith({ name: "web", servers: [server, serverWith({ name: "b", up: false, status: "DOWN" })] });
    const play = started({ process: processWith(), vrrp: null, listens: [listen] }).press("down");
    expect(play.types("d").state.prompt).toMatchObject({
      question: "Drain web/a? It takes no new sessions, its 7 sessions go on. IT IS THE LAST SERVER THAT TAKES ANY.",
    });
  });

  test("needs a server, and a socket that allows it", () => {
    expect(started().types("d").state).toMatchObject({
      prompt: null,
      notice: { text: expect.stringContaining("choose a server") },
    });
    const watcher = new Play().tick().sees(crowd(1, 1), { level: "operator" }).press("down").types("d");
    expect(watcher.state.prompt).toBeNull();
    expect(watcher.state.notice?.text).toBe("this socket's level is operator: a change needs level admin");
    expect(
      new Play().tick().sees(crowd(1, 1), { level: "admin" }).press("down").types("d").state.prompt,
    ).not.toBeNull();
  });

  test("is looked at as soon as it is made, paused or not", () => {
    const play = started().press("down").types("pdy");
    const done = { kind: "commanded", command: "c", done: true, answer: "" } as const;
    expect(play.happens(done).effects).toEqual([LOOK]);
    expect(play.state.notice).toEqual({ tone: "green", text: "c: done" });
  });

  test("that is made during a look is looked at after it", () => {
    const play = started().press("down").types("dy").tick(1000);
    expect(play.effects).toEqual([LOOK]);
    play.happens({ kind: "commanded", command: "c", done: true, answer: "" });
    expect(play.effects).toEqual([]);
    expect(play.sees(crowd(3, 4)).effects).toEqual([LOOK]);
  });

  test("that is refused is said, until the next key", () => {
    const play = started().happens({
      kind: "commanded",
      command: "c",
      done: false,
      answer: "Permission denied\nmore\n",
    });
    expect(play.state.notice).toEqual({ tone: "red", text: "c: refused: Permission denied" });
    expect(play.sees(crowd(3, 4)).state.notice).not.toBeNull();
    expect(play.press("down").state.notice).toBeNull();
  });
});

describe("views", () => {
  test("open and lead back", () => {
    const play = started(BUSY).press("down", "enter");
    expect(play.state.view).toEqual({ kind: "details", key: "tcp_service_a/tcp_service_a_01", why: null });
    expect(play.effects).toEqual([{ kind: "explain", name: "tcp_service_a/tcp_service_a_01" }]);
    expect(play.press("escape").state.view).toEqual({ kind: "list" });
    for (const [key, kind] of [
      ["?", "help"],
      ["e", "events"],
      ["v", "routers"],
    ] as const) {
      expect(play.types(key).state.view).toEqual({ kind });
      expect(play.types(key).state.view).toEqual({ kind: "list" });
    }
  });

  test("an explanation is asked for with every look, and taken for what is still shown", () => {
    const play = started(BUSY).press("down", "enter").tick(1000).sees(BUSY);
    expect(play.effects).toEqual([{ kind: "explain", name: "tcp_service_a/tcp_service_a_01" }]);
    play.happens({ kind: "explained", name: "other", text: "no" });
    expect(play.state.view).toMatchObject({ why: null });
    play.happens({ kind: "explained", name: "tcp_service_a/tcp_service_a_01", text: "because" });
    expect(play.state.view).toMatchObject({ why: "because" });
  });

  test("scroll no further than their text", () => {
    const play = new Play(80, 12).tick().sees(BUSY).press("down", "enter", "end");
    const { textTop } = play.state;
    expect(textTop).toBeGreaterThan(0);
    expect(play.press("down").state.textTop).toBe(textTop);
    expect(play.press("up").state.textTop).toBe(textTop - 1);
    expect(play.press("home").state.textTop).toBe(0);
  });
});

test("q, Ctrl-C end it, Ctrl-Z suspends it, Ctrl-L draws it anew", () => {
  expect(started().types("q").effects).toEqual([{ kind: "quit" }]);
  expect(started().press("ctrl-c").effects).toEqual([{ kind: "quit" }]);
  expect(started().press("ctrl-z").effects).toEqual([{ kind: "suspend" }]);
  expect(started().press("ctrl-l").effects).toEqual([{ kind: "redraw" }]);
});
