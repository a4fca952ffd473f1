import { afterEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readConfig } from "../../src/config/config.ts";
import type { VrrpConfig } from "../../src/config/schema.ts";
import { systemClock } from "../../src/core/clock.ts";
import { LinkMonitor } from "../../src/net/linkMonitor.ts";
import type { TrackerReport } from "../../src/vrrp/priority.ts";
import { TrackerFeed } from "../../src/vrrp/trackerFeed.ts";
import type { TrackedState } from "../../src/vrrp/trackerReports.ts";
import { tmpDir } from "../support/tmp.ts";
import { until } from "../support/until.ts";

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** [vrrp] with one instance that has these lines, and whatever tables. */
function vrrp(instance: string, tables = ""): VrrpConfig {
  const toml = `
    [listen.web]
    bind = "127.0.0.1:8000"
    [[listen.web.server]]
    name = "s1"
    address = "127.0.0.1:9000"
    ${tables}
    [vrrp.instance.VI_1]
    interface = "eth0"
    virtual_router_id = 51
    virtual_ipaddress = ["192.0.2.100/24"]
    ${instance}`;
  const read = readConfig({ path: "f.toml", bytes: new TextEncoder().encode(toml) }, { cpus: 2, ephemeralPorts: null });
  if (read.config?.vrrp == null) throw new Error(JSON.stringify(read.issues));
  return read.config.vrrp;
}

/** A feed on this host, the latest reports of VI_1, and how often they came. */
function stand() {
  const monitor = LinkMonitor.open(systemClock);
  const service = {
    proxy: { state: "ok", detail: "" } as TrackedState,
    web: { state: "ok", detail: "" } as TrackedState,
  };
  const seen = { reports: [] as readonly TrackerReport[], times: 0 };
  const health = { proxy: () => service.proxy, listen: () => service.web };
  const feed = new TrackerFeed({ clock: systemClock, monitor, health }, (_instance, reports) => {
    seen.reports = reports;
    seen.times += 1;
  });
  stops.push(() => {
    feed.stop();
    monitor.close();
  });
  const report = (tracker: string) => seen.reports.find((each) => each.tracker === tracker);
  return { feed, service, seen, report };
}

test("an instance is told at once of all that it tracks, the proxy included, unknown where nothing is known yet", () => {
  const { feed, seen } = stand();
  const script = '[[vrrp.script]]\nname = "chk"\ncommand = ["/bin/true"]\nweight = 2';
  feed.run(
    vrrp('track_script = ["chk"]\ntrack_listen = [{ name = "web", weight = -20 }]\ntrack_interface = ["lo"]', script),
  );
  expect(seen.reports).toEqual([
    { tracker: "proxy", weight: 0, reverse: false, state: "ok", detail: "" },
    { tracker: "listen web", weight: -20, reverse: false, state: "ok", detail: "" },
    { tracker: "interface lo", weight: 0, reverse: false, state: "ok", detail: "" },
    { tracker: "script chk", weight: 2, reverse: false, state: "unknown", detail: "not run yet" },
  ]);
});

test("track_proxy = false tracks nothing", () => {
  const { feed, seen } = stand();
  feed.run(vrrp("track_proxy = false"));
  expect(seen.reports).toEqual([]);
});

test("a proxy or listen that fails is told when somebody says that something changed", () => {
  const { feed, service, report } = stand();
  feed.run(vrrp('track_listen = ["web"]'));
  service.proxy = { state: "failed", detail: "ended (exit status 70)" };
  service.web = { state: "failed", detail: "0 of 2 servers usable" };
  feed.changed();
  expect(report("proxy")).toMatchObject(service.proxy);
  expect(report("listen web")).toMatchObject(service.web);
});

test("an interface that does not exist has failed", () => {
  const { feed, report } = stand();
  feed.run(vrrp('track_interface = [{ name = "none0", weight = -5 }]'));
  expect(report("interface none0")).toMatchObject({ state: "failed", weight: -5, detail: "does not exist" });
});

test("a script's result arrives in the weight of its use, which may turn it round", async () => {
  const { feed, report } = stand();
  const script = '[[vrrp.script]]\nname = "chk"\ncommand = ["/bin/false"]\nweight = 2';
  feed.run(vrrp('track_script = [{ name = "chk", weight = -7, reverse = true }]', script));
  await until("the script's failure", () => report("script chk")?.state === "failed");
  expect(report("script chk")).toMatchObject({ weight: -7, reverse: true, detail: "exit status 1" });
});

test("a file's number counts times the weight, and an absurd one is a fault", async () => {
  const { feed, report } = stand();
  const file = join(tmpDir(), "weight");
  writeFileSync(file, "-10\n");
  feed.run(vrrp(`track_file = [{ file = "${file}", weight = 2 }]`));
  await until("the number", () => report(`file ${file}`)?.amount === -20);
  expect(report(`file ${file}`)).toMatchObject({ state: "ok", fault: false, detail: "says -10" });
  writeFileSync(file, "-500\n");
  await until("the fault", () => report(`file ${file}`)?.fault === true);
});

test("a reload lets trackers that stay the same go on, and the others keep their last result until they have a new one", async () => {
  const { feed, report } = stand();
  const dir = tmpDir();
  const script = (name: string, command: string) =>
    `[[vrrp.script]]\nname = "${name}"\ncommand = ${command}\ninterval = "1h"\nweight = 2\n`;
  const counting = `["/bin/sh", "-c", "echo run >>${dir}/runs"]`;
  const uses = 'track_script = ["same", "other"]';
  feed.run(vrrp(uses, script("same", counting) + script("other", '["/bin/true"]')));
  await until("both results", () => report("script same")?.state === "ok" && report("script other")?.state === "ok");
  const states: (string | undefined)[] = [];
  feed.run(vrrp(uses, script("same", counting) + script("other", '["/bin/false"]')));
  states.push(report("script same")?.state, report("script other")?.state);
  await until("the new result", () => report("script other")?.state === "failed");
  expect(states).toEqual(["ok", "ok"]);
  expect(await Bun.file(`${dir}/runs`).text()).toBe("run\n");
});

test("what a reload no longer tracks is left out of the reports", async () => {
  const { feed, seen, report } = stand();
  const script = '[[vrrp.script]]\nname = "chk"\ncommand = ["/bin/true"]\n';
  feed.run(vrrp('track_script = ["chk"]', script));
  await until("the result", () => report("script chk")?.state === "ok");
  feed.run(vrrp("", script));
  expect(seen.reports.map(({ tracker }) => tracker)).toEqual(["proxy"]);
});
