import { expect, test } from "bun:test";
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { runOk } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { until } from "../../support/until.ts";
import { SERVICE_PORT } from "./support/keepalived.ts";
import { type Host, type Lan, makeLan, VIP } from "./support/lan.ts";
import { startOurs } from "./support/ours.ts";
import { waitForOwner } from "./support/owners.ts";
import { startEcho, startProber } from "./support/prober.ts";
import { startNode, V3 } from "./support/profiles.ts";
import { cannotMakeLan } from "./support/skip.ts";

/** A line of a record, and its time: epoch seconds, by the same kernel's clock in all records. */
interface Line {
  readonly at: number;
  readonly text: string;
}

/** Everything that crosses the LAN and concerns the service or VRRP, as tcpdump words it. */
async function recordLines(lan: Lan): Promise<() => Line[]> {
  const filter = `ip proto 112 or tcp port ${SERVICE_PORT}`;
  const tcpdump = lan.wire.start(["tcpdump", "-i", "br0", "-n", "-tt", "-l", "-Z", "root", filter]);
  await tcpdump.waitFor("listening on");
  return () => linesOf(tcpdump.stdout(), /^([\d.]+) (IP .*)$/gm);
}

/** When a host's addresses came and went. */
async function recordAddresses({ ns }: Host): Promise<() => Line[]> {
  const monitor = ns.start(["sh", "-c", `ip -o monitor address | while read -r line; do date "+%s.%N $line"; done`]);
  await until("it to listen", () => monitor.output().includes(`${VIP}/`));
  return () => linesOf(monitor.stdout(), /^([\d.]+) (.*)$/gm);
}

function linesOf(text: string, line: RegExp): Line[] {
  return [...text.matchAll(line)].map(([, at, rest]) => ({ at: Number(at), text: rest ?? "" }));
}

/** A session that the test writes to. */
async function openSession(lan: Lan, to: Host) {
  const path = join(tmpDir(), "input");
  await runOk(["mkfifo", path]);
  const running = lan.c.ns.start(["sh", "-c", `exec socat -t5 - TCP:${to.address}:${SERVICE_PORT} < ${path}`]);
  const fd = openSync(path, "w"); // waits for the reader
  return {
    async exchange(word: string) {
      const before = running.stdout().length;
      writeSync(fd, word);
      await until(`an answer to ${word}`, () => running.stdout().slice(before).includes(word));
    },
    async end() {
      closeSync(fd);
      await running.exited;
    },
  };
}

test.skipIf(cannotMakeLan())(
  "SIGTERM: priority 0, addresses off, nobody new, whoever is there finishes, exit 0: in this order",
  async () => {
    const name = "one";
    const lan = await makeLan();
    const { address } = await startEcho(lan.c, 5001, name);
    await startNode("keepalived", V3, lan.b, "second");
    const first = await startOurs(lan.a, { instance: V3.ours(lan.a, "first"), server: address });
    await waitForOwner(lan, lan.a);
    const [wire, addresses] = [await recordLines(lan), await recordAddresses(lan.a)];
    const prober = await startProber(lan.c, lan.a.address);
    await prober.waitFor({ name });
    const session = await openSession(lan, lan.a);
    await session.exchange("a");
    const sentAt = Date.now() / 1000;
    first.proxy.process.signal("SIGTERM");

    const from = (host: Host): string => `IP ${host.address}.${SERVICE_PORT} > `;
    const after = (lines: readonly Line[], what: RegExp | string): Line | undefined =>
      lines.find(({ at, text }) => at >= sentAt && (typeof what === "string" ? text.includes(what) : what.test(text)));
    const refused = new RegExp(`^${from(lan.a).replaceAll(".", "\\.")}.*Flags \\[R\\.?\\]`);
    const farewell = await until("priority 0", () => after(wire(), /VRRPv3, Advertisement, vrid 51, prio 0/));
    const off = await until("the address to go", () => after(addresses(), new RegExp(`^Deleted .*${VIP}/`)));
    const closed = await until("a client to be refused", () => after(wire(), refused));
    await session.exchange("b");
    const isAnswer = ({ at, text }: Line) => at > closed.at && text.startsWith(from(lan.a)) && text.includes("[P.]");
    const answered = await until("the answer", () => wire().find(isAnswer));
    expect(first.proxy.process.alive()).toBe(true);
    await session.end();
    expect(await first.proxy.process.exited).toEqual({ code: 0, signal: null });
    const endedAt = Date.now() / 1000;

    const times = [sentAt, farewell.at, off.at, closed.at, answered.at, endedAt];
    expect(times, JSON.stringify(times)).toEqual(times.toSorted((a, b) => a - b));
    // Nobody who comes after the first refusal is let in.
    const welcome = wire().filter(
      ({ at, text }) => at > closed.at && text.startsWith(from(lan.a)) && text.includes("[S.]"),
    );
    expect(welcome).toEqual([]);
    expect(farewell.at - sentAt).toBeLessThan(1);
  },
  60_000,
);
