import { describe, expect, test } from "bun:test";
import type { VrrpInstanceSnapshot, VrrpRelease } from "../../src/stats/vrrpSnapshot.ts";
import { carryOut } from "../../src/supervisor/vrrpOrders.ts";
import { instanceWith, vrrpWith } from "../stats/vrrpCases.ts";
import { FakeClock } from "../support/fakeClock.ts";

const PEER = { address: "192.0.2.2", priority: 100, intervalMs: 1000 };

/** Routers that do as they are told; `peerAfterMs` later, if ever, another one has taken over. */
function routers(
  before: Partial<VrrpInstanceSnapshot>,
  { peerAfterMs = Infinity, peerPriority = 100, owners = [] as string[] } = {},
) {
  const clock = new FakeClock();
  let instance = instanceWith(before);
  let releasedMs = 0;
  return {
    clock,
    ordered: {
      setRelease(name: string, release: VrrpRelease | null) {
        if (name !== "VI_1") return [];
        const state = release !== null && instance.state === "MASTER" ? "BACKUP" : instance.state;
        const effective = release === null ? 101 : 1;
        const waiting = { takeoverInMs: 3996, preempt: true, preemptInMs: null };
        releasedMs = clock.nowMs();
        instance = { ...instance, state, released: release, waiting, priority: { ...instance.priority, effective } };
        return ["VI_1"];
      },
      ownersAmong: () => owners,
      snapshot() {
        const heardMs = clock.nowMs() - releasedMs - peerAfterMs;
        return vrrpWith(
          heardMs < 0 ? instance : { ...instance, peer: { ...PEER, priority: peerPriority, agoMs: heardMs } },
        );
      },
    },
  };
}

type Order = Parameters<typeof carryOut>[0];

async function carriedOut(order: Order, stand: ReturnType<typeof routers>) {
  const outcome = carryOut(order, stand.ordered, stand.clock);
  let isOver = false;
  void outcome.then(() => {
    isOver = true;
  });
  for (let passedMs = 0; passedMs <= 3000; passedMs += 10) {
    await Bun.sleep(0);
    if (isOver) return { ...(await outcome), passedMs };
    stand.clock.pass(10);
  }
  throw new Error("no answer");
}

const RELEASE: Order = { kind: "release", name: "VI_1", hold: false };

describe("a release", () => {
  test("is answered when another router has taken over", async () => {
    const { lines, passedMs } = await carriedOut(RELEASE, routers({}, { peerAfterMs: 600 }));
    expect(lines).toEqual(["VI_1: released; 192.0.2.2 (priority 100) is MASTER now; priority 1, was 101"]);
    expect(passedMs).toBeWithin(600, 700);
  });

  test("says what happens if nobody does, with and without hold", async () => {
    const { ok, lines, passedMs } = await carriedOut(RELEASE, routers({}));
    expect([ok, lines]).toEqual([
      true,
      [
        "VI_1: released, and nobody has taken over: without another router it takes its addresses back in 4.0 s; priority 1, was 101",
      ],
    ]);
    expect(passedMs).toBeWithin(2000, 2100);
    const held = await carriedOut({ ...RELEASE, hold: true } as Order, routers({}));
    expect(held.lines).toEqual([
      'VI_1: released, and nobody has taken over: its addresses are nowhere until somebody does, or "vrrp resume VI_1"',
    ]);
  });

  test("is not taken over by who was heard before it, nor by who resigns himself", async () => {
    const heardBefore = routers({ peer: { ...PEER, agoMs: 5000 } });
    expect((await carriedOut(RELEASE, heardBefore)).lines[0]).toContain("nobody has taken over");
    const resigning = routers({}, { peerAfterMs: 100, peerPriority: 0 });
    expect((await carriedOut(RELEASE, resigning)).lines[0]).toContain("nobody has taken over");
  });

  test("of one that is no MASTER is answered at once", async () => {
    const { lines, passedMs } = await carriedOut(RELEASE, routers({ state: "BACKUP" }));
    expect([lines, passedMs]).toEqual([["VI_1: released; it is BACKUP as before, priority 1, was 101"], 0]);
  });

  test("is refused for addresses that the host has for itself, and for a name that is nobody's", async () => {
    const owned = await carriedOut(RELEASE, routers({}, { owners: ["VI_1"] }));
    expect(owned).toMatchObject({
      ok: false,
      lines: [expect.stringContaining("the host has these addresses for itself")],
    });
    expect(await carriedOut({ ...RELEASE, name: "VI_9" } as Order, routers({}))).toMatchObject({
      ok: false,
      lines: ['there is no virtual router or sync group "VI_9"'],
    });
  });
});

test("a resume says what it is now, and whether there was anything to end", async () => {
  const resume: Order = { kind: "resume", name: "VI_1" };
  const stand = routers({ state: "BACKUP" });
  expect((await carriedOut(resume, stand)).lines).toEqual(["VI_1: it was not released; it is BACKUP, priority 101"]);
  await carriedOut(RELEASE, stand);
  expect((await carriedOut(resume, stand)).lines).toEqual([
    "VI_1: takes part again; it is BACKUP, priority 101, was 1",
  ]);
});
