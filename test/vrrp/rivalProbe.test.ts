import { expect, test } from "bun:test";
import { RivalProbe } from "../../src/vrrp/rivalProbe.ts";
import { FakeClock } from "../support/fakeClock.ts";

const VIP = "192.0.2.100";
const MAC = "02:00:5e:10:00:01";

/** A probe on a network whose hosts answer as `answering` says. */
function stand() {
  const clock = new FakeClock();
  const asked: number[] = [];
  const heard: string[] = [];
  const network = { answering: [] as string[] };
  const probe: RivalProbe = new RivalProbe(clock, {
    probe() {
      asked.push(clock.nowMs());
      for (const mac of network.answering) probe.answered(VIP, mac);
    },
    onRival: ({ mac, answers }, first) => heard.push(`${mac} ${answers}${first ? " first" : ""}`),
  });
  return { clock, asked, heard, network, probe };
}

test("asks half a second after taking the address, when its last owner has let go, and every minute", () => {
  const { clock, asked, probe } = stand();
  probe.start();
  clock.pass(499);
  expect(asked).toEqual([]);
  clock.pass(120_001);
  expect(asked).toEqual([500, 60_500, 120_500]);
});

test("a rival is told, and asked again each second until it is silent", () => {
  const { clock, asked, heard, network, probe } = stand();
  network.answering = [MAC];
  probe.start();
  clock.pass(2500);
  expect(heard).toEqual([`${MAC} 1 first`, `${MAC} 2`, `${MAC} 3`]);
  network.answering = [];
  clock.pass(61_500);
  expect(asked).toEqual([500, 1500, 2500, 3500, 63_500]);
  expect(probe.rivals()).toEqual([{ address: VIP, mac: MAC, answers: 3, lastMs: 2500 }]);
});

test("a rival that has been silent for two minutes is one no longer", () => {
  const { clock, network, probe } = stand();
  network.answering = [MAC];
  probe.start();
  clock.pass(500);
  network.answering = [];
  clock.pass(120_000);
  expect(probe.rivals()).toHaveLength(1);
  clock.pass(1);
  expect(probe.rivals()).toEqual([]);
});

test("who owns nothing asks nobody, believes nobody and keeps no timer", () => {
  const { clock, asked, heard, probe } = stand();
  probe.answered(VIP, MAC);
  probe.start();
  probe.stop();
  probe.answered(VIP, MAC);
  clock.pass(200_000);
  expect({ asked, heard, pending: clock.pendingMs, rivals: probe.rivals() }).toEqual({
    asked: [],
    heard: [],
    pending: [],
    rivals: [],
  });
});

test("a network that answers with ever new addresses fills no memory", () => {
  const { clock, probe } = stand();
  probe.start();
  clock.pass(500);
  for (let i = 0; i < 1000; i++) probe.answered(VIP, `02:00:00:00:${(i >> 8).toString(16)}:${(i & 255).toString(16)}`);
  expect(probe.rivals()).toHaveLength(16);
});
