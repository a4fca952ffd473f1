import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { adminCommands } from "../admin/commands/all.ts";
import { ADMIN_BACKLOG, type AdminServer, serveAdmin } from "../admin/server.ts";
import type { Config } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import { COMMIT, RELEASE_DATE, VERSION } from "../core/version.ts";
import { fileLimit } from "../net/limits.ts";
import type { JournalEvent } from "../stats/event.ts";
import { HISTORY_STEP_MS } from "../stats/history.ts";
import type { ProcessSnapshot, Snapshot } from "../stats/snapshot.ts";
import { standingIn } from "../stats/standing.ts";
import { vrrpStatus } from "../stats/takeSnapshot.ts";
import type { ProxyView } from "../stats/view.ts";
import { HttpServer } from "../web/server.ts";
import { StatsSite } from "../web/site.ts";

/** Whoever asks in a shorter gap waits for the next proxy process, and hears more from that. */
const LONG_GAP_MS = 1000;
const SECRET_BYTES = 32;
const NO_HISTORY = { sessions: [], bytesIn: [], bytesOut: [] };

/** Why no proxy process answers. */
export type Gap =
  /** It has crashed; the next one starts in `delayMs`. */
  | {
      readonly kind: "crash";
      readonly reason: string;
      readonly delayMs: number;
      readonly crashes: number;
      readonly restarts: number;
    }
  /** It hangs, and has not been heard of since, monotonic ms. */
  | { readonly kind: "hang"; readonly sinceMs: number; readonly restarts: number };

/** Listening sockets, which stay open when the desk is closed. */
export interface DeskSockets {
  readonly admin: number;
  readonly stats: readonly number[];
}

/** What else is told of the supervisor. */
export interface DeskView {
  readonly config: Config;
  readonly vrrp: ProxyView["vrrp"];
  /** What has happened, oldest first. */
  readonly events: readonly JournalEvent[];
}

/**
 * Answers on the admin socket and on the status page while there is no proxy process that does, and will be none for a while: that it keeps
 * crashing, and when the next one starts, or that it hangs. Traffic has no part in it.
 */
export class CrashDesk {
  private server: AdminServer | null = null;
  private web: HttpServer | null = null;
  private gap: Gap | null = null;

  /** @param startedWallMs when this program started, epoch ms */
  constructor(
    private readonly clock: Clock,
    private readonly startedWallMs: number,
    private readonly view: () => DeskView,
  ) {}

  open({ admin, stats }: DeskSockets, gap: Gap): void {
    this.close();
    if (gap.kind === "crash" && gap.delayMs < LONG_GAP_MS) return;
    this.gap = gap;
    const openedMs = this.clock.nowMs();
    const snapshot = () => this.snapshot(gap, openedMs);
    const commands = adminCommands({
      snapshot,
      proxy: null,
      events: () => this.view().events,
      check: () => null,
      wallMs: () => this.clock.wallMs(),
      orders: null,
    });
    this.web = this.newWeb(snapshot);
    this.web?.listen(stats);
    try {
      this.server = serveAdmin({ fd: admin, backlog: ADMIN_BACKLOG, commands, level: "admin" }, this.clock);
    } catch {
      // No descriptor to be had: whoever asks waits, as in a short gap.
    }
  }

  /** null: there is no page. */
  private newWeb(snapshot: () => Snapshot): HttpServer | null {
    const { clock } = this;
    const { stats } = this.view().config;
    if (stats === null) return null;
    const site = new StatsSite(
      { ...stats, admin: false },
      {
        // biome-ignore lint/correctness/useYield: there is but one step
        *snapshotSteps() {
          return snapshot();
        },
        standing: () => standingIn(snapshot()),
        history: () => ({ stepMs: HISTORY_STEP_MS, process: NO_HISTORY, listens: {} }),
        events: () => this.view().events.toReversed(),
        answers: () => new Map(),
        wallMs: () => clock.wallMs(),
        execute: () => "",
      },
      randomBytes(SECRET_BYTES),
    );
    const { maxconn } = stats;
    return new HttpServer({ maxconn, clock, handler: (request) => site.answer(request), onFailure: () => {} });
  }

  /** Ends it; whoever is being answered is answered. */
  close(): void {
    this.server?.leave();
    this.server = null;
    this.web?.leave();
    this.web = null;
    this.gap = null;
  }

  /** The proxy process answers again, or has ended. */
  closeHang(): void {
    if (this.gap?.kind === "hang") this.close();
  }

  private snapshot(gap: Gap, openedMs: number): Snapshot {
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
        ...troubles(gap, openedMs, clock.nowMs()),
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

function troubles(gap: Gap, openedMs: number, nowMs: number): Pick<ProcessSnapshot, "crashLoop" | "hang" | "restarts"> {
  if (gap.kind === "hang") {
    const silentS = Math.round((nowMs - gap.sinceMs) / 1000);
    const hang = `the proxy process hangs: no sign of life for ${silentS} s; it will be replaced`;
    return { hang, crashLoop: null, restarts: gap.restarts };
  }
  const { crashes, reason, restarts, delayMs } = gap;
  const nextStartMs = Math.max(0, Math.round(openedMs + delayMs - nowMs));
  return { crashLoop: { crashes, reason, nextStartMs }, hang: null, restarts };
}
