import { expect, test } from "bun:test";
import { join } from "node:path";
import { loadConfigFile } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import { planLines, planReload, type ReloadEffects, waitingLines } from "../../src/supervisor/reloadPlan.ts";
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

/** The lines that a plan comes to when nothing that leaves has connections but what is said. */
async function lines(before: string, after: string, leaving: ReloadEffects["leaving"] = []): Promise<string[]> {
  const plan = planReload(await running(before), await load(after), "f.toml");
  if (plan.kind === "refused") throw new Error(plan.errors.join("\n"));
  if (plan.kind === "unchanged") return waitingLines(plan.waiting);
  const effects = { overruled: [], leaving: [...leaving], virtualIps: "not affected", graceMs: 30_000 };
  return planLines(plan.applied, plan.waiting, effects);
}

const OTHER = LISTEN.replaceAll("web", "app").replace(":8000", ":8001");

test.each<[string, string, string, string[], ReloadEffects["leaving"]?]>([
  ["a weight", LISTEN, `${LISTEN}weight = 9`, ["server web/s1 changed: weight 1 -> 9"]],
  [
    "a listen's keys, durations as the file writes them",
    LISTEN,
    LISTEN.replace("[[", 'maxconn = 7\ntimeout.client = "90s"\n[['),
    ["listen web changed: maxconn none -> 7, timeout.client none -> 90s"],
  ],
  [
    "a default that two listens inherit",
    LISTEN + OTHER,
    `[defaults]\nretries = 1\n${LISTEN}${OTHER}`,
    ["listen web changed: retries 3 -> 1", "listen app changed: retries 3 -> 1"],
  ],
  [
    "an address to listen on",
    LISTEN,
    LISTEN.replace('"127.0.0.1:8000"', '["127.0.0.1:8000", "127.0.0.1:8002"]'),
    ["listen web changed: bind 127.0.0.1:8000 -> 127.0.0.1:8000 127.0.0.1:8002"],
  ],
  ["a new listen", LISTEN, LISTEN + OTHER, ["listen app added: on 127.0.0.1:8001, 1 server"]],
  ["a listen that nobody uses", LISTEN + OTHER, LISTEN, ["listen app removed: it has no connections"]],
  [
    "a listen that is used",
    LISTEN + OTHER,
    LISTEN,
    ["listen app removed: 3 connections may finish within 30s and will then be cut"],
    [{ listen: "app", server: null, sessions: 3 }],
  ],
  [
    "a server replaced by another",
    LISTEN,
    LISTEN.replace("s1", "s2"),
    [
      "server web/s1 removed: 1 connection may finish within 30s and will then be cut",
      "server web/s2 added: 127.0.0.1:9000, weight 1",
    ],
    [{ listen: "web", server: "s1", sessions: 1 }],
  ],
  ["a server's check", LISTEN, `${LISTEN}check = true`, ["server web/s1 changed: check none -> set"]],
  ["the logs", LISTEN, `[[log]]\naddress = "stdout"\n${LISTEN}`, ["[[log]] changed"]],
  [
    "what the process can follow, and what only another can",
    LISTEN,
    `[global]\nmaxconn = 9\nthreads = 1\nuser = "nobody"\n${LISTEN}`,
    [
      "[global] changed: maxconn 4096 -> 9",
      "[global] changed: threads 2 -> 1, user none -> nobody: takes effect at the next start",
    ],
  ],
])("the plan says it of %s", async (_name, before, after, expected, leaving = []) => {
  const said = await lines(before, after, leaving);
  expect(said.filter((line) => line !== "virtual IPs: not affected")).toEqual(expected);
});

test("what waits stays as it runs, and is no change of its own", async () => {
  const before = await running(LISTEN);
  const waits = `[global]\nthreads = 1\n[admin]\nsocket = "/run/x.sock"\n${LISTEN}`;
  expect(planReload(before, await load(waits), "f.toml")).toMatchObject({ kind: "unchanged", waiting: [{}, {}] });
  const plan = planReload(before, await load(`${waits}weight = 9\n`), "f.toml");
  if (plan.kind !== "apply") throw new Error(plan.kind);
  expect(plan.config.global.threads).toBe(2);
  expect(plan.config.admin).toEqual(before.admin);
  expect(plan.config.listens[0]?.servers[0]?.weight).toBe(9);
});

test("virtual routers change in place", async () => {
  const plan = planReload(await running(LISTEN + VRRP), await load(`${LISTEN}${VRRP}priority = 90\n`), "f.toml");
  if (plan.kind !== "apply") throw new Error(plan.kind);
  expect(plan.config.vrrp?.instances[0]?.priority).toBe(90);
  expect(plan.waiting).toEqual([]);
});
