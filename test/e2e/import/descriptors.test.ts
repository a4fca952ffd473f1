import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../support/ports.ts";
import { binary, start } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { tool } from "../../support/tools.ts";
import { startBackends, visit } from "./support/servers.ts";

/** Binds a port, leaves the socket open as descriptor 9, and becomes the command: what a test bench does for HAProxy. */
const BENCH = `
import os, socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen(10)
os.dup2(s.fileno(), 9)
os.execv(sys.argv[2], sys.argv[2:])
`;

describe.skipIf(tool("python3") === null)("bind fd@N", () => {
  for (const threads of [1, 2]) {
    test(`a socket that was bound before the start is served, by ${threads} thread${threads === 1 ? "" : "s"}`, async () => {
      const { ports } = startBackends();
      const port = freePort();
      const file = join(tmpDir(), "haproxy.cfg");
      writeFileSync(
        file,
        [
          `global\n nbthread ${threads}\n stats socket "${join(tmpDir(), "admin.sock")}" level admin mode 600`,
          "defaults\n mode tcp\n timeout connect 1s\n timeout client 5s\n timeout server 5s",
          `listen app\n bind fd@\${DOOR}\n server s1 127.0.0.1:${ports.S1}\n`,
        ].join("\n"),
      );
      const running = start(["python3", "-c", BENCH, String(port), binary(), "serve", "-c", file], {
        env: { DOOR: "9" },
      });
      await running.waitFor(/\bready\b/);
      for (let number = 0; number < 4; number++) expect(await visit(port)).toBe("s1");
      expect((await running.stop()).code).toBe(0);
    });
  }
});
