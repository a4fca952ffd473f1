import { describe, expect, test } from "bun:test";
import { createDoorbell, type DoorbellFds, ring } from "../../src/net/doorbell.ts";
import { atEnd } from "../support/cleanup.ts";
import { until } from "../support/until.ts";
import type { DoorbellJob, DoorbellReport } from "./doorbellWorker.ts";
import { closeAtEnd } from "./sockets.ts";

/** A thread, and all it has said so far. */
function thread(): { tell(job: DoorbellJob): void; said: DoorbellReport[]; heard(what: DoorbellReport): number } {
  const worker = new Worker(new URL("./doorbellWorker.ts", import.meta.url).href);
  atEnd(() => worker.terminate());
  const said: DoorbellReport[] = [];
  worker.onmessage = ({ data }: MessageEvent<DoorbellReport>) => void said.push(data);
  return {
    tell: (job) => worker.postMessage(job),
    said,
    heard: (what) => said.filter((report) => report === what).length,
  };
}

/** A thread that answers a doorbell, and the doorbell. */
async function answering(): Promise<{ owner: ReturnType<typeof thread>; bell: DoorbellFds }> {
  const bell = createDoorbell();
  closeAtEnd(bell.ringer);
  const owner = thread();
  owner.tell({ kind: "answer", owner: bell.owner });
  await until("the thread to answer", () => owner.heard("answering") === 1);
  return { owner, bell };
}

describe("a doorbell", () => {
  test("wakes another thread's event loop, every time", async () => {
    const { owner, bell } = await answering();
    for (let times = 1; times <= 5; times++) {
      ring(bell.ringer);
      await until(`ring ${times}`, () => owner.heard("rung") === times);
    }
  });

  test("is rung from any thread", async () => {
    const { owner, bell } = await answering();
    const ringer = thread();
    ringer.tell({ kind: "ring", ringer: bell.ringer, times: 1 });
    await until("the ring", () => owner.heard("rung") === 1);
  });

  test("rung ten thousand times at a busy thread never blocks, and calls it a few times at most", async () => {
    const { owner, bell } = await answering();
    owner.tell({ kind: "busy", forMs: 200 });
    for (let i = 0; i < 10_000; i++) ring(bell.ringer);
    expect(owner.heard("done")).toBe(0);
    await until("the thread to be free", () => owner.heard("done") === 1);
    await until("a ring", () => owner.heard("rung") > 0);
    const rings = owner.heard("rung");
    expect(rings).toBeLessThanOrEqual(16);
    ring(bell.ringer);
    await until("the bell to work on", () => owner.heard("rung") > rings);
  });

  test("rung before anybody answers is answered when somebody does", async () => {
    const bell = createDoorbell();
    closeAtEnd(bell.ringer);
    ring(bell.ringer);
    const owner = thread();
    owner.tell({ kind: "answer", owner: bell.owner });
    await until("the ring", () => owner.heard("rung") === 1);
  });
});
