/**
 * Preloaded into the processes of a program that runs from source: sent SIGUSR2, a process tries what only the privileged
 * may, as code that a client has managed to inject would, and says what came of it in one line of JSON.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { isMainThread } from "node:worker_threads";

const SECRET = process.env.SECRET ?? "";

/** Runs in another thread of the process, with what that thread may do. */
const inThread = `
  import { readFileSync } from "node:fs";
  const attempt = (what) => { try { what(); return "done"; } catch (error) { return error.code; } };
  postMessage({
    bind: attempt(() => Bun.listen({ hostname: "127.0.0.1", port: 86, socket: { data() {} } })),
    read: attempt(() => readFileSync(${JSON.stringify(SECRET)})),
  });`;

function attempt(what: () => unknown): string {
  try {
    what();
    return "done";
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

if (isMainThread) {
  process.on("SIGUSR2", async () => {
    const worker = new Worker(URL.createObjectURL(new Blob([inThread], { type: "application/javascript" })));
    const thread = await new Promise((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
    });
    const said = {
      bind: attempt(() => Bun.listen({ hostname: "127.0.0.1", port: 85, socket: { data() {} } })),
      read: attempt(() => readFileSync(SECRET)),
      // In a thread of the runtime's pool.
      readLater: await readFile(SECRET).then(
        () => "done",
        (error: NodeJS.ErrnoException) => error.code,
      ),
      write: attempt(() => writeFileSync(`${SECRET}.new`, "")),
      setuid: attempt(() => process.setuid?.(0)),
      // Whatever it executes is not to gain anything by that.
      newPrivileges: /^NoNewPrivs:\t0$/m.test(Bun.spawnSync(["cat", "/proc/self/status"]).stdout.toString()),
      thread,
    };
    process.stdout.write(`trespasser ${JSON.stringify(said)}\n`);
  });
}
