import { selfCommand } from "../core/self.ts";
import { ExitCode } from "./exit.ts";
import { print } from "./print.ts";

const SERVING = "serving";
/** Set for the detached process: it is not to detach again. */
const DETACHED = "HAPROXY_LITE_DETACHED";

/**
 * Runs a command line of this program again, detached from the terminal and from the current directory, so that no path
 * in it may be relative; returns when that serves, with status 0, or has failed, with its status. What it says until then is passed on; afterwards nobody reads its stderr any more.
 */
export async function startDetached(args: readonly string[]): Promise<number> {
  const { promise: serving, resolve } = Promise.withResolvers<number>();
  const child = Bun.spawn({
    cmd: [...selfCommand(), ...args],
    // The runtime's switch for dying with whoever started it is not for somebody who is to outlive them.
    env: { ...process.env, BUN_FEATURE_FLAG_NO_ORPHANS: undefined, [DETACHED]: "1" },
    cwd: "/", // a directory that nobody wants to unmount
    detached: true, // a session of its own: no terminal, and no hangup when this one closes
    stdio: ["ignore", "ignore", "pipe"],
    ipc(message) {
      if (message === SERVING) resolve(ExitCode.ok);
    },
  });
  const said = passOn(child.stderr);
  // A start that failed has said why: all of it is to be read.
  const failed = Promise.all([child.exited, said]).then(([status]) => status || ExitCode.failed);
  return await Promise.race([serving, failed]);
}

/** Whether this process is the detached one. Told once: whom it starts is none. */
export function isDetached(): boolean {
  const detached = process.env[DETACHED] === "1";
  delete process.env[DETACHED];
  return detached;
}

/** Lets the process that detached us go. */
export function reportServing(): void {
  process.send?.(SERVING);
  process.disconnect?.();
}

async function passOn(stderr: ReadableStream<Uint8Array>): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of stderr) print("stderr", decoder.decode(bytes, { stream: true }));
}
