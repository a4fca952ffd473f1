import { closeSync, openSync } from "node:fs";
import { basename } from "node:path";
import { defaultAdminSocket } from "../admin/socketPath.ts";
import type { Config } from "../config/schema.ts";
import { systemClock } from "../core/clock.ts";
import type { SteeringSignal } from "../core/earlySignals.ts";
import { assertNever } from "../core/errors.ts";
import { PROXY_PROCESS, selfCommand } from "../core/self.ts";
import { nameProcess } from "../net/processName.ts";
import { StandardStream } from "../net/standardStreams.ts";
import type { Handoff } from "./handoff.ts";
import { SteeringSignals } from "./signals.ts";
import { Supervisor, type SupervisorWorld } from "./supervisor.ts";
import { programOnDisk } from "./upgrade.ts";

/** How a supervisor is run beyond its configuration. */
export interface RunOptions {
  /** Called when the first proxy process serves. */
  readonly onReady?: () => void;
  /** Of the program that was here before; null: nobody was. */
  readonly handoff?: Handoff | null;
  /** What steers it; default: listened to from here on, before anything is there that one would leave behind. */
  readonly signals?: SteeringSignals;
  /** Why it cannot be upgraded; null: it can. */
  readonly fixed?: string | null;
}

/** Two SIGINTs within this time are one: npm and shells pass a terminal's Ctrl-C on a second time. */
const ECHO_MS = 50;
/** Whatever the executable's file is called: it may have been started by another name. */
const COMMAND_NAME = "haproxy-lite";

/**
 * Runs supervisor and proxy process in the foreground until signals end them; the exit status. SIGHUP reads the file again
 * through `reload`, SIGUSR2 executes the program on disk. Throws UserError when it cannot start.
 */
export async function runSupervisor(
  config: Config,
  reload: SupervisorWorld["reload"],
  { onReady = () => {}, handoff = null, fixed = null, signals = SteeringSignals.listen() }: RunOptions = {},
): Promise<number> {
  nameProcess(COMMAND_NAME);
  const uid = process.getuid?.() ?? 0;
  const [program = "", ...rest] = selfCommand();
  const stdout = new StandardStream(process.stdout);
  const stderr = new StandardStream(process.stderr);
  const supervisor = new Supervisor(config, {
    clock: systemClock,
    uid,
    stdout,
    stderr,
    // The very program that runs now: the file behind its name may have been replaced, or be gone, when a crash must be mended.
    proxyCommand: [`/proc/${process.pid}/exe`, ...rest, PROXY_PROCESS],
    proxyName: basename(program),
    adminSocket: config.admin.socket ?? defaultAdminSocket({ uid, runtimeDir: process.env.XDG_RUNTIME_DIR }),
    reload,
    onReady,
    upgrade: { program: handoff?.program ?? programOnDisk(), fixed },
    signals,
  });
  supervisor.start(handoff);
  signals.start(steering(supervisor));
  const status = await supervisor.finished;
  await Promise.all([stdout.drain(), stderr.drain()]);
  return status;
}

/** What a signal has the supervisor do. */
function steering(supervisor: Supervisor): (signal: SteeringSignal) => void {
  const interactive = hasTerminal();
  let interruptedMs = -Infinity;
  return (signal) => {
    switch (signal) {
      case "SIGTERM":
        supervisor.stop(signal);
        return;
      case "SIGINT": {
        const nowMs = systemClock.nowMs();
        if (nowMs - interruptedMs < ECHO_MS) return;
        interruptedMs = nowMs;
        supervisor.stop(signal);
        return;
      }
      case "SIGHUP":
        if (interactive) supervisor.stop(signal);
        else void supervisor.reload(signal);
        return;
      case "SIGUSR2":
        void supervisor.upgrade(signal);
        return;
      default:
        assertNever(signal);
    }
  };
}

/** Whether a terminal controls us: then a hangup means that it has gone, and otherwise that somebody wants a reload. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}
