import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Proxy as RunningProxy, startProxy } from "../../support/instance.ts";
import { binary, run } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { until } from "../../support/until.ts";
import { startKeepalived } from "../vrrp/support/keepalived.ts";
import { type Host, type Lan, makeLan, VIP, VIP6 } from "../vrrp/support/lan.ts";
import { waitForOwner } from "../vrrp/support/owners.ts";
import { startEcho } from "../vrrp/support/prober.ts";
import { cannotMakeLan } from "../vrrp/support/skip.ts";

const FIXTURES = join(import.meta.dir, "../../fixtures/import");
const fixture = (name: string): string => readFileSync(join(FIXTURES, name), "utf8");

/** Imports texts by the command, and serves the result on a host. */
async function serveImported(host: Host, texts: Readonly<Record<string, string>>): Promise<RunningProxy> {
  const dir = tmpDir();
  const files = Object.entries(texts).map(([name, text]) => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  });
  const done = await run([binary(), "import", ...files]);
  expect(`${done.code} ${done.stderr}`).toStartWith("0 ");
  return startProxy(done.stdout, { inside: host.ns.inside([]) });
}

/** What keepalived's files of two nodes do, with the first of them imported. */
const PAIRS = [
  { name: "v2-noauth", vip: VIP },
  { name: "v2-unicast", vip: VIP },
  { name: "v3-10cs", vip: VIP },
  { name: "v3-ipv6", vip: VIP6 },
] as const;

describe.skipIf(cannotMakeLan())("an imported keepalived.conf", () => {
  for (const { name, vip } of PAIRS) {
    test(`${name}: wins against the real keepalived, hands over to it and takes over again`, async () => {
      const lan = await makeLan();
      const conf = fixture(`keepalived/keepalived-${name}-a.conf`);
      await startKeepalived(lan.b, { config: fixture(`keepalived/keepalived-${name}-b.conf`) });
      await waitForOwner(lan, lan.b, { address: vip });
      const ours = await serveImported(lan.a, { "keepalived.conf": conf });
      await waitForOwner(lan, lan.a, { address: vip });
      await ours.stop();
      await waitForOwner(lan, lan.b, { address: vip });
      await serveImported(lan.a, { "keepalived.conf": conf });
      await waitForOwner(lan, lan.a, { address: vip });
    }, 60_000);
  }
});

describe.skipIf(cannotMakeLan())("the classic pair, imported", () => {
  const haproxy = fixture("blog/haproxy.cfg")
    .replace("xxx.xxx.xxx.001:4900", "10.9.0.3:4901")
    .replace("xxx.xxx.xxx.002:4900", "10.9.0.3:4902")
    .replace("log 127.0.0.1 local0", "log stdout local0")
    .replace("uid 99", "")
    .replace("gid 99", "")
    .replace("daemon", "");
  const files = (rank: "master" | "backup") => ({
    "haproxy.cfg": haproxy,
    "keepalived.conf": fixture(`blog/keepalived-${rank}.conf`).replace("xxx.xxx.xxx.xxx", VIP).replace("VI_2", "VI_1"),
  });

  test("serves behind its address, logs as tcplog, and fails over when one of it ends", async () => {
    const lan = await makeLan();
    await startEcho(lan.c, 4901, "one");
    await startEcho(lan.c, 4902, "two");
    const master = await serveImported(lan.a, files("master"));
    await waitForOwner(lan, lan.a);
    const backup = await serveImported(lan.b, files("backup"));
    await untilAnswered(lan);
    await master.process.waitFor(/tcp_service_a tcp_service_a\/tcp_service_a_0[12] \d+\/\d+\/\d+ [1-9]\d* -- /);
    // Both have 101 and two points for a working proxy: equal, so whoever is MASTER stays it.
    await waitForOwner(lan, lan.a);
    await master.stop();
    await waitForOwner(lan, lan.b);
    await untilAnswered(lan);
    await backup.process.waitFor(/tcp_service_a tcp_service_a\/tcp_service_a_0[12] \d+\/\d+\/\d+ [1-9]\d* -- /);
  }, 60_000);
});

/** Waits until a client behind the LAN is answered at the virtual address. */
async function untilAnswered(lan: Lan): Promise<void> {
  await until(
    "an answer of the service",
    async () => {
      const done = await lan.c.ns.run(["sh", "-c", `echo hello | socat -t 2 - TCP:${VIP}:14900,connect-timeout=2`]);
      return done.stdout !== "";
    },
    { timeoutMs: 15_000, everyMs: 200 },
  );
}
