import { expect, test } from "bun:test";
import { createDoorbell } from "../../src/net/doorbell.ts";
import { libc } from "../../src/net/libc.ts";
import { ProcessBoard } from "../../src/pool/processBoard.ts";
import { processClock } from "../../src/relay/processClock.ts";
import { RelayThread } from "../../src/relay/relayThread.ts";
import { atEnd } from "../support/cleanup.ts";

test("who has stopped accepting looks again at once: a connection that left meanwhile has told nobody", async () => {
  const board = ProcessBoard.create(1);
  const { owner, ringer } = createDoorbell();
  atEnd(() => {
    for (const fd of [owner, ringer]) libc.close(fd);
  });
  const relay = new RelayThread(
    { kind: "start", thread: 0, process: board.share(), doorbell: owner, ringers: [ringer], logs: [], listens: [] },
    processClock,
    () => {},
  );
  relay.pausedAccepting();
  expect(board.isPaused(0)).toBe(true);
  await Promise.resolve();
  // Nothing of this thread is at a limit, so it waits for nobody.
  expect(board.isPaused(0)).toBe(false);
});
