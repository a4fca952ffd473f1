import { expect, test } from "bun:test";
import { join } from "node:path";
import { readingCommands } from "../../src/admin/commands/reading.ts";
import { serveAdmin } from "../../src/admin/server.ts";
import { systemClock } from "../../src/core/clock.ts";
import { bindListeners, closeListeners } from "../../src/net/listen.ts";
import { BUSY } from "../stats/tableCases.ts";
import { atEnd } from "../support/cleanup.ts";
import { binary } from "../support/process.ts";
import { tmpDir } from "../support/tmp.ts";

const ROUNDS = 20;
const LIMIT_MS = 50;

test("the compiled status command takes less than 50 ms from exec to exit", async () => {
  const path = join(tmpDir(), "admin.sock");
  const fds = bindListeners({ kind: "unix", path }, { sockets: 1, backlog: 16, mode: 0o600 });
  const commands = readingCommands(() => BUSY);
  const server = serveAdmin({ fd: fds[0] as number, backlog: 16, commands, level: "user" }, systemClock);
  atEnd(() => {
    server.stop();
    closeListeners(fds);
  });
  let bestMs = Infinity;
  // The promise is for an idle host, which a test machine is only now and then: the best of some rounds counts.
  for (let round = 0; round < ROUNDS && bestMs >= LIMIT_MS; round++) {
    const beganMs = performance.now();
    const child = Bun.spawn([binary(), "status", "--socket", path], { stdout: "pipe" });
    const code = await child.exited;
    bestMs = Math.min(bestMs, performance.now() - beganMs);
    expect(code).toBe(1);
    expect(await child.stdout.text()).toStartWith("haproxy-lite 0.1.0");
  }
  expect(bestMs).toBeLessThan(LIMIT_MS);
});
