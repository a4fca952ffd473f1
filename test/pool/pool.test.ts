import { describe, expect, test } from "bun:test";
import type { ListenConfig, ServerConfig } from "../../src/config/schema.ts";
import { ListenBoard } from "../../src/pool/board.ts";
import { WEIGHT_SCALE } from "../../src/pool/layout.ts";
import { Pool } from "../../src/pool/pool.ts";
import { FakeClock } from "../support/fakeClock.ts";

const ADDRESS = Uint8Array.of(2, 0, 0, 80, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0);

type Wishes = Partial<ServerConfig> & { initState?: "up" | "down" };

/** A pool of servers s1, s2, …, with what it told. */
function stand(wishes: readonly Wishes[], dynamicWeights = true, capacity = wishes.length) {
  const clock = new FakeClock();
  const events: string[] = [];
  const servers = wishes.map(({ initState, ...wish }, i) => ({
    name: `s${i + 1}`,
    weight: 1,
    maxconn: null,
    backup: false,
    disabled: false,
    slowstartMs: 0,
    check: initState === undefined ? null : { initState },
    ...wish,
  }));
  const config = { name: "web", servers } as unknown as ListenConfig;
  const board = ListenBoard.create(servers.length, 1, capacity);
  const pool: Pool = new Pool(config, board, {
    clock,
    dynamicWeights: () => dynamicWeights,
    onEvent: ({ kind, server, activeServers, backupServers }) =>
      events.push(`${kind} ${server.config.name} ${activeServers}+${backupServers}`),
    onChange() {},
  });
  /** Effective weights as relay threads see them, in units of the configuration. */
  const weights = (): number[] => servers.map((_, slot) => board.weight(slot) / WEIGHT_SCALE);
  return { clock, events, board, pool, weights };
}

describe("the servers that take sessions", () => {
  test("are all that are up, by weight", () => {
    const { weights, board } = stand([
      { weight: 3 },
      { weight: 1 },
      { initState: "down" },
      { disabled: true },
      { weight: 0 },
    ]);
    expect(weights()).toEqual([3, 1, 0, 0, 0]);
    expect(board.usable).toBe(2);
    expect(board.rotationLength()).toBe(4);
  });

  test("are without one that goes down, and have it again when it comes back", () => {
    const { pool, weights, events } = stand([{}, {}]);
    pool.setUp(0, false);
    expect(weights()).toEqual([0, 1]);
    pool.setUp(0, true);
    expect(weights()).toEqual([1, 1]);
    expect(events).toEqual(["down s1 1+0", "up s1 2+0"]);
  });

  test("do not change, and nothing is told, when a check finds what was known", () => {
    const { pool, events } = stand([{}]);
    pool.setUp(0, true);
    expect(events).toEqual([]);
  });

  test("are the first backup that is up when nobody else is, and only that one", () => {
    const { pool, weights, events } = stand([{}, { backup: true, weight: 7 }, { backup: true }]);
    expect(weights()).toEqual([1, 0, 0]);
    pool.setUp(0, false);
    expect(weights()).toEqual([0, 7, 0]);
    pool.setUp(1, false);
    expect(weights()).toEqual([0, 0, 1]);
    pool.setUp(2, false);
    expect(weights()).toEqual([0, 0, 0]);
    pool.setUp(0, true);
    expect(weights()).toEqual([1, 0, 0]);
    expect(events).toEqual(["down s1 0+2", "down s2 0+1", "down s3 0+0", "noServer s3 0+0", "up s1 1+0"]);
  });

  test("are not those without an address, until they get one", () => {
    const { pool, weights, events } = stand([{}, {}]);
    pool.setAddress(0, null);
    pool.setAddress(1, ADDRESS);
    expect(weights()).toEqual([0, 1]);
    pool.setAddress(0, ADDRESS);
    expect(weights()).toEqual([1, 1]);
    expect(events).toEqual(["resolved s1 2+0"]);
  });
});

describe("the downtime of a server", () => {
  test("is the sum of its outages, the present one included", () => {
    const { pool, clock } = stand([{}]);
    clock.pass(1000);
    pool.setUp(0, false);
    clock.pass(300);
    expect(pool.downtimeMs(0)).toBe(300);
    pool.setUp(0, true);
    clock.pass(5000);
    pool.setUp(0, false);
    clock.pass(40);
    expect(pool.downtimeMs(0)).toBe(340);
    expect(pool.servers[0]).toMatchObject({ downs: 2, changedMs: 6300 });
  });

  test("counts the time before a name resolves, and goes on counting while the server is down afterwards", () => {
    const { pool, clock } = stand([{ initState: "up" }, { initState: "down" }]);
    pool.together(() => {
      for (const slot of [0, 1]) pool.setAddress(slot, null);
    });
    clock.pass(700);
    for (const slot of [0, 1]) pool.setAddress(slot, ADDRESS);
    clock.pass(200);
    expect([pool.downtimeMs(0), pool.downtimeMs(1)]).toEqual([700, 900]);
    pool.setUp(1, true);
    clock.pass(50);
    expect(pool.downtimeMs(1)).toBe(900);
    expect(pool.servers.map(({ changedMs }) => changedMs)).toEqual([700, 900]);
  });
});

describe("a server in slow start", () => {
  test("climbs to its weight and maxconn in steps of a second, and its end is told once", () => {
    const { pool, clock, weights, board, events } = stand([{ slowstartMs: 4000, weight: 16, maxconn: 160 }, {}]);
    expect(pool.throttlePercent(0)).toBeNull();
    pool.setUp(0, false);
    pool.setUp(0, true);
    const rooms = (): number => {
      let taken = 0;
      while (board.reserve(0) > 0) taken++;
      for (let i = 0; i < taken; i++) board.release(0);
      return taken;
    };
    const seen = [[weights()[0], rooms()]];
    for (let second = 0; second < 4; second++) {
      clock.pass(1000);
      seen.push([weights()[0], rooms()]);
    }
    expect(seen).toEqual([
      [1, 10],
      [4, 40],
      [8, 80],
      [12, 120],
      [16, 160],
    ]);
    expect(pool.throttlePercent(0)).toBeNull();
    expect(events).toEqual(["down s1 1+0", "up s1 2+0", "rampEnded s1 2+0"]);
    expect(clock.pendingMs).toEqual([]);
  });

  test("shows how far it has come", () => {
    const { pool, clock } = stand([{ slowstartMs: 4000 }]);
    pool.setUp(0, false);
    pool.setUp(0, true);
    clock.pass(2500);
    expect(pool.throttlePercent(0)).toBe(62);
  });

  test("that goes down meanwhile starts from the bottom the next time", () => {
    const { pool, clock, weights, events } = stand([{ slowstartMs: 4000, weight: 16 }, {}]);
    pool.setUp(0, false);
    pool.setUp(0, true);
    clock.pass(2000);
    pool.setUp(0, false);
    clock.pass(1500);
    pool.setUp(0, true);
    clock.pass(1000);
    expect(weights()[0]).toBe(4);
    clock.pass(3000);
    expect(events.filter((each) => each.startsWith("rampEnded"))).toHaveLength(1);
  });

  test("has its full weight at once where weights are static", () => {
    const { pool, weights } = stand([{ slowstartMs: 4000, weight: 16 }], false);
    pool.setUp(0, false);
    pool.setUp(0, true);
    expect(weights()[0]).toBe(16);
  });

  test("is no thing of the process's own start", () => {
    expect(stand([{ slowstartMs: 4000, weight: 16, initState: "up" }]).weights()).toEqual([16]);
  });
});

/** A server's configuration as the stand makes it. */
function serverConfig(pool: Pool, slot: number, wish: Partial<ServerConfig>): ServerConfig {
  return { ...(pool.slots[slot]?.config as ServerConfig), ...wish };
}

describe("an operator's word", () => {
  test("on maintenance and drain is told in HAProxy's order, each once", () => {
    const { pool, events, weights } = stand([{}, {}]);
    for (const admin of ["drain", "drain", "maint", "drain", "ready", "maint", "ready", "ready"] as const)
      pool.setAdmin(0, admin);
    expect(events).toEqual([
      "entersDrain s1 1+0",
      "entersMaintenance s1 1+0",
      "leavesMaintenance s1 1+0",
      "remainsInDrain s1 1+0",
      "leavesDrain s1 2+0",
      "entersMaintenance s1 1+0",
      "leavesMaintenance s1 2+0",
    ]);
    expect(weights()).toEqual([1, 1]);
  });

  test("on the last server that could be used says that nobody is left", () => {
    for (const admin of ["drain", "maint"] as const) {
      const { pool, events } = stand([{}, { disabled: true }]);
      pool.setAdmin(0, admin);
      expect(events[1]).toBe("noServer s1 0+0");
    }
  });

  test("that ends maintenance has a server start anew: as its file says, and warming up", () => {
    const { pool, weights, clock } = stand([{ initState: "up", slowstartMs: 4000 }, { initState: "down" }]);
    pool.setUp(0, false);
    pool.setUp(1, true);
    for (const slot of [0, 1]) pool.setAdmin(slot, "maint");
    expect(weights()).toEqual([0, 0]);
    for (const slot of [0, 1]) pool.setAdmin(slot, "ready");
    expect([pool.slots[0]?.up, pool.slots[1]?.up]).toEqual([true, false]);
    expect(weights()[0]).toBeLessThan(0.1);
    clock.pass(4000);
    expect(weights()).toEqual([1, 0]);
  });

  test("on health holds until checks say otherwise: stopping takes nobody, and is neither up nor down", () => {
    const { pool, events, weights } = stand([{ initState: "up" }, {}]);
    pool.setHealth(0, "stopping");
    pool.setHealth(0, "stopping");
    expect([weights(), pool.slots[0]?.up, pool.slots[0]?.downs]).toEqual([[0, 1], true, 0]);
    pool.setUp(0, true);
    expect(weights()).toEqual([1, 1]);
    pool.setHealth(0, "stopping");
    pool.setUp(0, false);
    pool.setHealth(0, "stopping");
    expect(events).toEqual(["stopping s1 1+0", "up s1 2+0", "stopping s1 1+0", "down s1 1+0", "stopping s1 1+0"]);
  });
});

describe("a server that a reload changes", () => {
  test("keeps what was set at run time when the file says nothing new about it", () => {
    const { pool, board, weights } = stand([{ weight: 4, maxconn: 10 }, {}]);
    pool.setWeight(0, 9);
    pool.setMaxconn(0, 1);
    pool.setAdmin(1, "drain");
    expect(pool.changeServer(0, serverConfig(pool, 0, { errorLimit: 3 }))).toEqual([]);
    expect(pool.changeServer(1, serverConfig(pool, 1, { weight: 2 }))).toEqual([]);
    expect(weights()).toEqual([9, 0]);
    expect([board.reserve(0), board.reserve(0)]).toEqual([1, 0]);
    expect(pool.servers[1]?.admin).toBe("drain");
  });

  test("follows the file where that is new, and says what gives way", () => {
    const { pool, weights } = stand([{ weight: 4, maxconn: 10 }, {}]);
    pool.setWeight(0, 9);
    pool.setMaxconn(0, 1);
    pool.setAdmin(1, "drain");
    expect(pool.changeServer(0, serverConfig(pool, 0, { weight: 5, maxconn: null }))).toEqual([
      "weight 9, set at run time, gives way to 5 in the file",
      "maxconn 1, set at run time, gives way to none in the file",
    ]);
    expect(pool.changeServer(1, serverConfig(pool, 1, { disabled: true }))).toEqual([
      "state drain, set at run time, gives way to maint in the file",
    ]);
    expect(weights()).toEqual([5, 0]);
    expect(pool.servers[1]?.admin).toBe("maint");
  });

  test("is told nothing when the file now says what was set at run time", () => {
    const { pool } = stand([{ weight: 4 }]);
    pool.setWeight(0, 9);
    expect(pool.changeServer(0, serverConfig(pool, 0, { weight: 9 }))).toEqual([]);
    expect(pool.changeServer(0, serverConfig(pool, 0, { weight: 3 }))).toEqual([]);
    expect(pool.servers[0]?.weight).toBe(3);
  });
});

describe("a server that comes or goes", () => {
  test("has the lowest free slot, its place in the file's order, and its weight in the rotation", () => {
    const { pool, board, weights } = stand([{}, {}], true, 4);
    expect(pool.freeSlots(2)).toEqual([2, 3]);
    expect(pool.freeSlots(3)).toBeNull();
    pool.addServer(2, serverConfig(pool, 0, { name: "new", weight: 3 }), ADDRESS);
    const order = ["new", "s2", "s1"].map((name) => ({ name }));
    pool.reconfigure({ ...pool.config, servers: order } as unknown as ListenConfig);
    expect(pool.servers.map(({ slot }) => slot)).toEqual([2, 1, 0]);
    expect(board.slots).toBe(3);
    expect([...weights(), board.weight(2) / WEIGHT_SCALE]).toEqual([1, 1, 3]);
    expect(board.rotationLength()).toBe(5);
    expect(board.addressLength(2)).toBe(ADDRESS.length);
  });

  test("takes nobody any more, is no backup's hindrance, and leaves its slot when it is forgotten", () => {
    const { pool, weights } = stand([{}, { backup: true }], true, 2);
    pool.removeServer(0, 5000);
    expect(weights()).toEqual([0, 1]);
    expect(pool.counts).toEqual({ active: 0, backups: 1 });
    expect(pool.freeSlots(1)).toBeNull();
    pool.forgetServer(0);
    expect(pool.freeSlots(1)).toEqual([0]);
    expect(pool.servers.map(({ config }) => config.name)).toEqual(["s2"]);
  });

  test("and comes back as it was while it has not gone", () => {
    const { pool, weights } = stand([{ weight: 4 }, {}]);
    pool.setWeight(0, 9);
    pool.removeServer(0, 5000);
    pool.changeServer(0, serverConfig(pool, 0, {}));
    expect(weights()).toEqual([9, 1]);
  });
});
