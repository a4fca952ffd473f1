import { describe, expect, test } from "bun:test";
import { serve } from "../../support/echo.ts";
import { type Proxy as RunningProxy, startProxy } from "../../support/instance.ts";
import { freePort } from "../../support/ports.ts";
import { until } from "../../support/until.ts";
import { exchange } from "../process/load.ts";
import { toml, type Wishes } from "../process/stand.ts";
import { ctl, listenOf, reload, serverOf } from "../reload/reloading.ts";
import { startUpgradable } from "../upgrade/versions.ts";

/** Gives orders; throws what was said to one that is refused. */
async function order(proxy: RunningProxy, ...lines: string[]): Promise<string> {
  const said = await ctl(proxy, lines.join(";"));
  if (said.code !== 0) throw new Error(`${lines.join(";")}: ${said.stderr}`);
  return said.stdout;
}

/** What an operator has set, as the statistics show it. */
async function standing(proxy: RunningProxy) {
  const listen = await listenOf(proxy);
  return {
    limit: listen?.sessions.limit,
    servers: Object.fromEntries(
      (listen?.servers ?? []).map(({ name, status, weight, sessions, address }) => [
        name,
        [status, weight.configured, sessions.limit, address].join(" "),
      ]),
    ),
  };
}

const echo = await serve({ kind: "echo" });
const other = await serve({ kind: "echo" });

/** Everything that can be set, on servers s1 to s5 of `web`; s5 is deleted, dyn is added. */
const ORDERS = [
  "set server web/s1 weight 7",
  "set maxconn server web/s1 33",
  "set server web/s2 state drain",
  "disable server web/s3",
  `set server web/s4 addr 127.0.0.1 port ${other.port}`,
  "set server web/s4 health stopping",
  "disable server web/s5",
  "del server web/s5",
  `add server web/dyn ${other.address} weight 3`,
  "enable server web/dyn",
  "set maxconn frontend web 55",
  "set maxconn global 66",
];
const SET = {
  limit: 55,
  servers: {
    s1: `no check 7 33 ${echo.address}`,
    s2: `DRAIN 1  ${echo.address}`,
    s3: `MAINT 1  ${echo.address}`,
    s4: `NOLB 1  ${other.address}`,
    dyn: `no check 3  ${other.address}`,
  },
};
const wishes = (port: number): Wishes => ({ port, servers: Array(5).fill(echo), threads: 2, global: "maxconn = 100" });
const DYN_STAYS = "server web/dyn, added at run time, stays although the file has it not\n";
const S5_AWAY = "server web/s5, deleted at run time, stays away although the file has it\n";

/** `Maxconn` of `show info`. */
async function processLimit(proxy: RunningProxy): Promise<string | undefined> {
  return /^Maxconn: (\d+)$/m.exec((await ctl(proxy, "show info")).stdout)?.[1];
}

describe("what an operator has set", () => {
  test("stays through a reload that has nothing to say about it, and the plan names what is not as in the file", async () => {
    const port = freePort();
    const proxy = await startProxy(toml(wishes(port)));
    await order(proxy, ...ORDERS);
    expect(await standing(proxy)).toEqual(SET);
    const plan = await reload(proxy, toml({ ...wishes(port), listen: "retries = 2" }));
    expect(plan).toContain(DYN_STAYS);
    expect(plan).toContain(S5_AWAY);
    expect(await standing(proxy)).toEqual(SET);
    expect(await processLimit(proxy)).toBe("66");
    // The added one serves, and goes on being counted.
    await order(proxy, "disable server web/s1");
    expect(await exchange(port, "hello")).toBe("served");
    expect((await serverOf(proxy, "dyn"))?.sessions.total).toBe(1);
    await reload(proxy, toml({ ...wishes(port), listen: "retries = 3" }));
    expect((await serverOf(proxy, "dyn"))?.sessions.total).toBe(1);
  });

  test("gives way to what is new in the file, which is said", async () => {
    const port = freePort();
    const proxy = await startProxy(toml(wishes(port)));
    await order(proxy, ...ORDERS);
    const file = toml({
      ...wishes(port),
      servers: [echo, echo, echo, other, other],
      global: "maxconn = 90",
      server: "weight = 5\nmaxconn = 44",
      listen: "maxconn = 77",
      more: `[[listen.web.server]]\nname = "dyn"\naddress = "${echo.address}"`,
    });
    const plan = await reload(proxy, file);
    for (const sentence of [
      "server web/s1: weight 7, set at run time, gives way to 5 in the file",
      "server web/s1: maxconn 33, set at run time, gives way to 44 in the file",
      "listen web: maxconn 55, set at run time, gives way to 77 in the file",
      "[global]: maxconn 66, set at run time, gives way to 90 in the file",
      "server web/dyn, added at run time, is in the file now: what the file says of it holds",
    ])
      expect(plan).toContain(`${sentence}\n`);
    expect(plan).not.toContain("stays");
    expect(await standing(proxy)).toEqual({
      limit: 77,
      servers: {
        s1: `no check 5 44 ${echo.address}`,
        s2: `DRAIN 5 44 ${echo.address}`,
        s3: `MAINT 5 44 ${echo.address}`,
        // The file has moved it to where the operator had put it.
        s4: `NOLB 5 44 ${other.address}`,
        // At another address it is another server.
        s5: `no check 5 44 ${other.address}`,
        dyn: `no check 1  ${echo.address}`,
      },
    });
    expect(await processLimit(proxy)).toBe("90");
  });

  test("stays through an upgrade, and through the reload after it", async () => {
    const port = freePort();
    const proxy = await startUpgradable(toml({ ...wishes(port), global: "maxconn = 100\nhard_stop_after = '1s'" }));
    await order(proxy, ...ORDERS, "disable frontend web");
    expect(await exchange(port, "hello")).toBe("ECONNREFUSED");
    await proxy.upgrade();
    expect(await standing(proxy)).toEqual(SET);
    expect(await processLimit(proxy)).toBe("66");
    expect(await exchange(port, "hello")).toBe("ECONNREFUSED");
    await order(proxy, "enable frontend web");
    expect(await exchange(port, "hello")).toBe("served");
    const plan = await reload(proxy, toml({ ...wishes(port), listen: "retries = 2" }));
    expect(plan).toContain(DYN_STAYS);
    expect(plan).toContain(S5_AWAY);
    expect(await standing(proxy)).toEqual(SET);
  });
});

test("a listen whose clients are refused stays so through a reload, on the addresses that it gets as well", async () => {
  const [port, second] = [freePort(), freePort()];
  const proxy = await startProxy(toml({ port, servers: [echo], threads: 2 }));
  await order(proxy, "disable frontend web");
  const both = toml({ port, servers: [echo], threads: 2 }).replace(
    `bind = "127.0.0.1:${port}"`,
    `bind = ["127.0.0.1:${port}", "127.0.0.1:${second}"]`,
  );
  await reload(proxy, both);
  expect([await exchange(port, "a"), await exchange(second, "b")]).toEqual(["ECONNREFUSED", "ECONNREFUSED"]);
  expect((await listenOf(proxy))?.status).toBe("PAUSED");
  await order(proxy, "enable frontend web");
  expect([await exchange(port, "a"), await exchange(second, "b")]).toEqual(["served", "served"]);
  await order(proxy, "shutdown frontend web");
  expect([await exchange(port, "a"), await exchange(second, "b")]).toEqual(["ECONNREFUSED", "ECONNREFUSED"]);
  expect((await listenOf(proxy))?.status).toBe("STOP");
  await until("the end of it to be logged", () =>
    proxy.output().includes("Proxy web stopped (cumulated conns: FE: 2, BE: 2)."),
  );
});
