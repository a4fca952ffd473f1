import { describe, expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AdminError, request } from "../../src/admin/client.ts";
import { atEnd } from "../support/cleanup.ts";
import { run, start } from "../support/process.ts";
import { tmpDir } from "../support/tmp.ts";
import { root } from "../support/tools.ts";

/** A unix listener that answers a line as told; null: not at all. */
function answering(text: string | null): string {
  const path = join(tmpDir(), "s");
  const listener = Bun.listen({
    unix: path,
    socket: {
      data(socket) {
        if (text !== null) socket.end(text);
      },
    },
  });
  atEnd(() => listener.stop(true));
  return path;
}

async function failureOf(path: string, timeoutMs = 1000): Promise<AdminError> {
  return request(path, "show status", timeoutMs).then(
    (text) => {
      throw new Error(`it answered: ${text}`);
    },
    (error: unknown) => {
      if (error instanceof AdminError) return error;
      throw error;
    },
  );
}

describe("a request", () => {
  test("gives the answer without the empty line at its end", async () => {
    expect(await request(answering("one\ntwo\n\n"), "x", 1000)).toBe("one\ntwo\n");
    expect(await request(answering("\n"), "x", 1000)).toBe("");
  });

  test("to a socket that is not there says that nothing is running", async () => {
    const path = join(tmpDir(), "none");
    const { failure, message, exitCode } = await failureOf(path);
    expect([failure, message, exitCode]).toEqual([
      "absent",
      `not running: nothing answers at ${path} (no such socket)`,
      3,
    ]);
  });

  test("to a socket that a crash left behind says that nothing is running", async () => {
    const path = join(tmpDir(), "stale");
    writeFileSync(path, "");
    const { failure, message, exitCode } = await failureOf(path);
    expect([failure, message, exitCode]).toEqual([
      "refused",
      `not running: nothing answers at ${path} (nobody serves that socket)`,
      3,
    ]);
  });

  test("whose queue is full is asked again", async () => {
    const path = join(tmpDir(), "s");
    // Serves nobody until its queue has been full for a while: Bun's own listener would take everybody in at once.
    const program = `
import socket, sys, time
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(0)
waiting = socket.socket(socket.AF_UNIX)
waiting.connect(sys.argv[1])
print("full", flush=True)
time.sleep(0.5)
while True:
    client = listener.accept()[0]
    client.sendall(b"served\\n\\n")
    client.close()
`;
    const server = start(["python3", "-c", program, path]);
    await server.waitFor("full");
    expect(await request(path, "show status", 5000)).toBe("served\n");
    server.signal("SIGKILL");
    await server.exited;
    expect((await failureOf(path)).failure).toBe("refused");
  });

  test("that is not answered in time says so", async () => {
    const path = answering(null);
    const { failure, message, exitCode } = await failureOf(path, 50);
    expect([failure, message, exitCode]).toEqual(["silent", `it does not answer at ${path} (within 50 ms)`, 1]);
  });

  test("whose answer breaks off is not taken for answered", async () => {
    expect((await failureOf(answering("half of"))).failure).toBe("broken");
    expect((await failureOf(answering("half of\n"))).failure).toBe("broken");
    expect((await failureOf(answering(""))).failure).toBe("broken");
  });

  test("to a path that no socket can have is a failure, too", async () => {
    expect((await failureOf(`/tmp/${"x".repeat(200)}`)).failure).toBe("broken");
  });

  test.skipIf(!root())("without permission says so, and who may", async () => {
    const path = answering("\n");
    chmodSync(path, 0o600);
    chmodSync(join(path, ".."), 0o755);
    const script = `import { request } from ${JSON.stringify(join(import.meta.dir, "../../src/admin/client.ts"))};
      process.setuid(65534);
      request(${JSON.stringify(path)}, "x", 1000).catch((error) => console.log(error.exitCode, error.message));`;
    const said = await run([process.execPath, "-e", script]);
    expect(said.stdout.trim()).toBe(
      `1 no permission to ask at ${path}: run this as root, or as the user it belongs to`,
    );
  });
});
