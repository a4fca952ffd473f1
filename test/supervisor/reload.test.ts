import { expect, test } from "bun:test";
import { join } from "node:path";
import { loadConfigFile } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import { planReload } from "../../src/supervisor/reload.ts";
import { tmpDir } from "../support/tmp.ts";

const ENVIRONMENT = { cpus: 2, ephemeralPorts: null };
const LISTEN =
  '[listen.web]\nbind = "127.0.0.1:8000"\n[[listen.web.server]]\nname = "s1"\naddress = "127.0.0.1:9000"\n';
const VRRP =
  '[vrrp.instance.VI_1]\ninterface = "eth0"\nvirtual_router_id = 51\nvirtual_ipaddress = ["192.0.2.100/24"]\n';

async function load(toml: string) {
  const path = join(tmpDir(), "f.toml");
  await Bun.write(path, toml);
  return loadConfigFile(path, ENVIRONMENT);
}

async function running(toml: string): Promise<Config> {
  const { config, issues } = await load(toml);
  if (config === null) throw new Error(JSON.stringify(issues));
  return config;
}

test("a file that is not valid is refused, each error in one line", async () => {
  const plan = planReload(await running(LISTEN), await load(`[global]\nmaxcon = 1\nthreads = 0\n${LISTEN}`), "f.toml");
  expect(plan).toEqual({
    kind: "refused",
    errors: [expect.stringMatching(/^f\.toml:2:1: error: .*maxcon/), expect.stringMatching(/^f\.toml:3:\d+: error: /)],
  });
});

test("a file that is gone is refused", async () => {
  const plan = planReload(await running(LISTEN), await loadConfigFile("/nonexistent.toml", ENVIRONMENT), "f.toml");
  expect(plan).toEqual({ kind: "refused", errors: [expect.stringContaining("there is no such file")] });
});

test("a file that means the same changes nothing", async () => {
  expect(planReload(await running(LISTEN), await load(`# words\n${LISTEN}`), "f.toml")).toMatchObject({
    kind: "unchanged",
  });
});

test("what changes in place is applied, and what takes a restart waits and stays as it runs", async () => {
  const before = await running(LISTEN + VRRP);
  const plan = planReload(before, await load(`${LISTEN}weight = 9\n${VRRP}priority = 90\n`), "f.toml");
  if (plan.kind !== "apply") throw new Error(plan.kind);
  expect(plan.applied.map(({ part }) => part)).toEqual(["vrrp.instance VI_1"]);
  expect(plan.waiting.map(({ part }) => part)).toEqual(["listen web"]);
  expect(plan.config.vrrp?.instances[0]?.priority).toBe(90);
  expect(plan.config.listens).toEqual(before.listens);
});
