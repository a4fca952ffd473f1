import { expect, test } from "bun:test";
import type { Config } from "../../src/config/schema.ts";
import { ListenBoard } from "../../src/pool/board.ts";
import { Pool } from "../../src/pool/pool.ts";
import { type StagedListen, stage, stagedDuty } from "../../src/proxy/staging.ts";
import { listensOf } from "../stats/stand.ts";
import { FakeClock } from "../support/fakeClock.ts";

function toml(servers: string, listen = "web"): string {
  const tables = servers.split(" ").map((name, i) => {
    const address = `192.0.2.1:${9000 + i}`;
    return `[[listen.${listen}.server]]\nname = "${name}"\naddress = "${address}"\ncheck = false`;
  });
  return `[listen.${listen}]\nbind = "127.0.0.1:26402"\n${tables.join("\n")}`;
}

const config = (text: string): Config => ({ listens: listensOf(text) }) as unknown as Config;

/** A running listen of two servers with room for three. */
function running(): Map<string, Pool> {
  const [listen] = listensOf(toml("a b"));
  if (listen === undefined) throw new Error("no listen");
  const deps = { clock: new FakeClock(), dynamicWeights: () => true, onEvent() {}, onChange() {} };
  return new Map([["web", new Pool(listen, ListenBoard.create(2, 1, 3), deps)]]);
}

function staged(text: string, pools = running()): StagedListen {
  const all = stage(config(text), pools);
  if (typeof all === "string") throw new Error(all);
  return all[0] as StagedListen;
}

const names = (servers: readonly { slot: number; config: { name: string } }[]): string[] =>
  servers.map((server) => `${server.slot} ${server.config.name}`);

test("servers are told apart by name: those that stay, those that come, those that go", () => {
  const one = staged(toml("b c"));
  expect([names(one.kept), names(one.added), names(one.removed)]).toEqual([["1 b"], ["2 c"], ["0 a"]]);
});

test("a listen of another name is another listen", () => {
  expect(staged(toml("a b", "app"))).toMatchObject({ pool: null, kept: [], added: [], removed: [] });
});

test("relay threads learn of new servers by slot, in the file's order, and whose counters start anew", () => {
  const pools = running();
  const duty = stagedDuty(staged(toml("c b"), pools), pools.get("web") as Pool, 7);
  expect(duty.servers.map((server) => server?.name)).toEqual(["a", "b", "c"]);
  expect([duty.id, duty.order, duty.fresh]).toEqual([7, [2, 1], [2]]);
});

test("a server that leaves comes back, unless its address is another: then it needs a slot of its own", () => {
  const pools = running();
  const pool = pools.get("web") as Pool;
  pool.removeServer(0, 1000);
  expect(names(staged(toml("a b"), pools).kept)).toEqual(["0 a", "1 b"]);
  expect(names(staged(toml("b a"), pools).added)).toEqual(["2 a"]);
});

test("too many servers for those that have room are refused with the numbers", () => {
  const pools = running();
  (pools.get("web") as Pool).removeServer(0, 1000);
  expect(stage(config(toml("b c d")), pools)).toMatch(/listen web has room for 3 servers.*: 2 more do not fit/);
});
