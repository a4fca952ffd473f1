import { hostname } from "node:os";
import { adminCommands } from "../admin/commands/all.ts";
import { ADMIN_BACKLOG, type AdminServer, serveAdmin } from "../admin/server.ts";
import type { Config } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import { COMMIT, RELEASE_DATE, VERSION } from "../core/version.ts";
import { fileLimit } from "../net/limits.ts";
import type { Snapshot } from "../stats/snapshot.ts";
import { vrrpStatus } from "../stats/takeSnapshot.ts";
import type { ProxyView } from "../stats/view.ts";

/** Whoever asks in a shorter gap waits for the next proxy process, and hears more from that. */
const LONG_GAP_MS = 1000;

/** A crash, and what follows. */
export interface Crash {
  readonly reason: string;
  readonly delayMs: number;
  readonly crashes: number;
  readonly restarts: number;
}

/** What else is told of the supervisor. */
export interface DeskView {
  readonly config: Config;
  readonly vrrp: ProxyView["vrrp"];
}

/**
 * Answers on the admin socket while there is no proxy process to do that and will be none for a while: that it keeps
 * crashing, and when the next one starts. Traffic has no part in it.
 */
export class CrashDesk {
  private server: AdminServer | null = null;

  /** @param startedWallMs when this program started, epoch ms */
  constructor(
    private readonly clock: Clock,
    private readonly startedWallMs: number,
    private readonly view: () => DeskView,
  ) {}

  /** @param adminFd the listening socket, which stays open when the desk is closed */
  open(adminFd: number, crash: Crash): void {
    if (crash.delayMs < LONG_GAP_MS) return;
    this.close();
    const nextMs = this.clock.nowMs() + crash.delayMs;
    const commands = adminCommands({ snapshot: () => this.snapshot(crash, nextMs), operator: null, orders: null });
    try {
      this.server = serveAdmin({ fd: adminFd, backlog: ADMIN_BACKLOG, commands, level: "admin" }, this.clock);
    } catch {
      // No descriptor to be had: whoever asks waits, as in a short gap.
    }
  }

  close(): void {
    this.server?.stop();
    this.server = null;
  }

  private snapshot({ reason, crashes, restarts }: Crash, nextMs: number): Snapshot {
    const { clock } = this;
    const { config, vrrp } = this.view();
    const rate = { now: 0, max: 0 };
    return {
      process: {
        version: VERSION,
        commit: COMMIT,
        releaseDate: RELEASE_DATE,
        node: hostname(),
        pid: 0,
        supervisorPid: process.pid,
        startedWallMs: this.startedWallMs,
        uptimeMs: Math.round(clock.wallMs() - this.startedWallMs),
        proxyUptimeMs: 0,
        restarts,
        crashLoop: { crashes, reason, nextStartMs: Math.max(0, Math.round(nextMs - clock.nowMs())) },
        stopping: false,
        threads: config.global.threads,
        connections: { current: 0, max: 0, limit: config.global.maxconn, total: 0 },
        connectionRate: rate,
        bytesOutRate: rate,
        idlePercent: 100,
        openFilesLimit: fileLimit().soft,
        droppedLogs: 0,
      },
      listens: [],
      vrrp: vrrpStatus({ vrrp, clock }),
    };
  }
}
