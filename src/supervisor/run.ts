import { defaultAdminSocket } from "../admin/socketPath.ts";
import type { Config } from "../config/schema.ts";
import { systemClock } from "../core/clock.ts";
import { PROXY_PROCESS, selfCommand } from "../core/self.ts";
import { StandardStream } from "../net/standardStreams.ts";
import { Supervisor } from "./supervisor.ts";

/** Two of the same signal within this time are one: npm and shells pass a terminal's Ctrl-C on a second time. */
const ECHO_MS = 500;

/** Runs supervisor and proxy process in the foreground until signals end them; the exit status. Throws UserError when it cannot start. */
export async function runSupervisor(config: Config): Promise<number> {
  const uid = process.getuid?.() ?? 0;
  const supervisor = new Supervisor(config, {
    clock: systemClock,
    uid,
    stdout: new StandardStream(process.stdout),
    stderr: new StandardStream(process.stderr),
    proxyCommand: [...selfCommand(), PROXY_PROCESS],
    adminSocket: config.admin.socket ?? defaultAdminSocket({ uid, runtimeDir: process.env.XDG_RUNTIME_DIR }),
  });
  supervisor.start();
  let lastMs = -Infinity;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      const nowMs = systemClock.nowMs();
      if (nowMs - lastMs < ECHO_MS) return;
      lastMs = nowMs;
      supervisor.stop(signal);
    });
  }
  return await supervisor.finished;
}
