import { expect, test } from "bun:test";
import { createDoorbell, ring } from "../../src/net/doorbell.ts";
import { libc } from "../../src/net/libc.ts";
import { drain, watchReadable } from "../../src/net/readiness.ts";
import { atEnd } from "../support/cleanup.ts";
import { run } from "../support/process.ts";
import { until } from "../support/until.ts";
import { closeAtEnd } from "./sockets.ts";

const BUFFER = new Uint8Array(new ArrayBuffer(64));

/** A watched socket and its peer; `heard` counts the datagrams read. */
function watched() {
  const { owner, ringer } = createDoorbell();
  const bell = { owner, ringer, heard: 0, calls: 0, stop: () => {} };
  bell.stop = watchReadable(owner, () => {
    bell.calls++;
    drain(() => {
      if (Number(libc.recv(owner, BUFFER, BUFFER.length, 0x40)) < 0) return false;
      bell.heard++;
      return true;
    });
  });
  closeAtEnd(owner);
  closeAtEnd(ringer);
  atEnd(bell.stop);
  return bell;
}

test("everything that arrives is heard, one by one and in bursts", async () => {
  const bell = watched();
  for (let i = 1; i <= 20; i++) {
    ring(bell.ringer);
    await until("the ring", () => bell.heard === i);
  }
  for (let i = 0; i < 3; i++) ring(bell.ringer);
  await until("the burst", () => bell.heard === 23);
});

test("what came before the watch is heard, too", async () => {
  const { owner, ringer } = createDoorbell();
  closeAtEnd(owner);
  closeAtEnd(ringer);
  ring(ringer);
  let called = false;
  atEnd(watchReadable(owner, () => (called = true)));
  expect(called).toBe(false);
  await until("the call", () => called);
});

test("one bell serves all sockets, and a stopped one is silent while the others go on", async () => {
  const [first, second] = [watched(), watched()];
  ring(first.ringer);
  ring(second.ringer);
  await until("both rings", () => first.heard === 1 && second.heard === 1);
  first.stop();
  const { calls } = first;
  ring(first.ringer);
  ring(second.ringer);
  await until("the second", () => second.heard === 2);
  expect(first.calls).toBe(calls);
});

test("a watcher that another one stops is not called any more, not even for the bell that is ringing", async () => {
  const stopper = createDoorbell();
  closeAtEnd(stopper.owner);
  closeAtEnd(stopper.ringer);
  const victims: { stop(): void }[] = [];
  let stops = 0;
  const onStop = () => {
    stops++;
    for (const victim of victims) victim.stop();
  };
  atEnd(watchReadable(stopper.owner, onStop));
  const victim = watched();
  await until("the first calls", () => victim.calls > 0 && stops > 0);
  victims.push(victim);
  const { calls } = victim;
  stops = 0;
  ring(stopper.ringer);
  await until("the stop", () => stops > 0);
  expect(victim.calls).toBe(calls);
});

test("a drain ends after a while even when more keeps coming, and says so", () => {
  expect(drain(() => true)).toBe(true);
  let left = 5;
  expect(drain(() => left-- > 0)).toBe(false);
});

test("rings during a blocked loop and under child processes are neither lost nor passed on", async () => {
  const bell = watched();
  let rings = 0;
  for (let i = 0; i < 10; i++) {
    const child = Bun.spawn(["sh", "-c", "sleep 0.01; exit 7"]);
    for (const pause of [0, 1, 2]) {
      ring(bell.ringer);
      rings++;
      Bun.sleepSync(pause);
    }
    expect(Bun.spawnSync(["sh", "-c", "exit 6"]).exitCode).toBe(6);
    expect(await child.exited).toBe(7);
    await until("the rings", () => bell.heard === rings);
  }
});

test("a watch does not keep the process alive, and a bell after its stop does not end it", async () => {
  const program = `
    const { createDoorbell, ring } = await import("./src/net/doorbell.ts");
    const { watchReadable } = await import("./src/net/readiness.ts");
    const { owner, ringer } = createDoorbell();
    const stop = watchReadable(owner, () => console.log("called"));
    await Bun.sleep(5);
    stop();
    ring(ringer);
    process.kill(process.pid, "SIGIO");
    watchReadable(createDoorbell().owner, () => {});
  `;
  const done = await run([process.execPath, "-e", program]);
  expect(done).toMatchObject({ code: 0, signal: null, stdout: "called\n" });
});

test("a Worker is refused: signals do not reach it", async () => {
  const program = `
    const { isMainThread, Worker } = await import("node:worker_threads");
    const { watchReadable } = await import(${JSON.stringify(`${import.meta.dir}/../../src/net/readiness.ts`)});
    try { watchReadable(0, () => {}); } catch (error) { postMessage(error.message); }
  `;
  const worker = new Worker(URL.createObjectURL(new Blob([program], { type: "text/javascript" })));
  atEnd(() => worker.terminate());
  const said = await new Promise((resolve) => (worker.onmessage = (event) => resolve(event.data)));
  expect(said).toContain("main thread only");
});
