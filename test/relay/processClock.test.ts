import { expect, test } from "bun:test";
import { processClock } from "../../src/relay/processClock.ts";

const ROUNDS = 20;

test("shows the same in every thread, however much later the thread has begun", async () => {
  await Bun.sleep(50);
  const module = new URL("../../src/relay/processClock.ts", import.meta.url).pathname;
  const code = `const { processClock } = await import(${JSON.stringify(module)}); self.onmessage = () => postMessage(processClock.nowMs()); postMessage(0);`;
  const worker = new Worker(URL.createObjectURL(new Blob([code], { type: "application/typescript" })));
  try {
    await new Promise((resolve) => worker.addEventListener("message", resolve, { once: true }));
    let closestMs = Infinity;
    for (let round = 0; round < ROUNDS; round++) {
      const askedMs = processClock.nowMs();
      const answer = new Promise<number>((resolve) => {
        worker.addEventListener("message", (event) => resolve(event.data), { once: true });
      });
      worker.postMessage("now");
      const theirsMs = await answer;
      // Between question and answer, were the clocks one.
      const middleMs = (askedMs + processClock.nowMs()) / 2;
      closestMs = Math.min(closestMs, Math.abs(theirsMs - middleMs));
    }
    expect(closestMs).toBeLessThan(2);
  } finally {
    worker.terminate();
  }
});
