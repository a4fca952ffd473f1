import { expect, test } from "bun:test";
import { holdSignals } from "../../src/net/heldSignals.ts";

test("a signal that is held does nothing until it is let in, and is not lost", async () => {
  let handled = 0;
  const handle = (): void => void handled++;
  process.on("SIGUSR2", handle);
  try {
    const release = holdSignals(["SIGUSR2"]);
    process.kill(process.pid, "SIGUSR2");
    await Bun.sleep(20);
    expect(handled).toBe(0);
    const noted = release();
    await Bun.sleep(20);
    // Noted by another thread, or handled now by this one.
    expect(noted.length + handled).toBe(1);
    process.kill(process.pid, "SIGUSR2");
    await Bun.sleep(20);
    expect(noted.length + handled).toBe(2);
  } finally {
    process.off("SIGUSR2", handle);
  }
});
