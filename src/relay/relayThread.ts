import { balancers } from "../balance/index.ts";
import type { ListenConfig } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import { Level } from "../core/syslogCodes.ts";
import type { Logger } from "../log/logger.ts";
import { formatHalog, formatTcplog, type SessionRecord } from "../log/record.ts";
import { answerDoorbell, ring } from "../net/doorbell.ts";
import { encodeSockaddr } from "../net/sockaddr.ts";
import { ListenBoard } from "../pool/board.ts";
import { ProcessBoard, ThreadCounter } from "../pool/processBoard.ts";
import type { Dialer } from "./dialer.ts";
import type { RelayEnvironment, RelayListen } from "./environment.ts";
import { LineBatch } from "./lineBatch.ts";
import { Listener } from "./listener.ts";
import { openLogger } from "./openLogger.ts";
import type { RelayListenStart, RelayReport, RelayStart } from "./protocol.ts";
import { longestWaitingThread, WaitingLine } from "./waitingLine.ts";

/** How often a thread shows on the scoreboard that its loop turns. */
const HEARTBEAT_MS = 250;

/** All listens as one relay thread serves them. */
export class RelayThread implements RelayEnvironment {
  readonly thread: number;
  readonly process: ProcessBoard;
  readonly counters: Float64Array;
  private readonly ringers: readonly number[];
  private readonly listens: RelayListen[];
  private readonly listeners: Listener[] = [];
  private readonly lines: LineBatch[];
  private readonly logger: Logger;
  private draining = false;

  constructor(
    private readonly start_: RelayStart,
    readonly clock: Clock,
    private readonly post: (report: RelayReport) => void,
  ) {
    this.thread = start_.thread;
    this.process = new ProcessBoard(start_.process);
    this.counters = this.process.counters(this.thread);
    this.ringers = start_.ringers;
    const stdout = new LineBatch(clock, (text) => post({ kind: "lines", target: "stdout", text }));
    const stderr = new LineBatch(clock, (text) => post({ kind: "lines", target: "stderr", text }));
    this.lines = [stdout, stderr];
    this.logger = openLogger(start_.logs, process.pid, clock, { stdout, stderr });
    this.listens = start_.listens.map((listen) => this.openListen(listen));
  }

  /** Starts accepting; throws SystemError when an fd cannot be listened on. */
  start(): void {
    answerDoorbell(this.start_.doorbell, () => this.onRing());
    for (const [i, listen] of this.listens.entries()) {
      for (const fd of this.start_.listens[i]?.fds ?? []) {
        const listener = new Listener(this, listen, fd);
        this.listeners.push(listener);
        listener.start();
      }
    }
    this.beat();
  }

  /** Stops accepting and reports `drained` once the last connection has gone. */
  stop(): void {
    this.draining = true;
    for (const listener of this.listeners) listener.stop();
    this.reportDrained();
  }

  /** Ends sessions at once: of one listen's server, or all. */
  kill(listen: string | null, server: number, termination: string): void {
    for (const each of this.listens) {
      if (listen !== null && each.config.name !== listen) continue;
      for (const session of each.sessions) if (server < 0 || session.dialer.server === server) session.kill(termination);
    }
  }

  // What sessions and listeners ask for.

  report(report: RelayReport): void {
    this.post(report);
  }

  pausedAccepting(): void {
    this.process.setPaused(this.thread, true);
    // A connection that left before the flag stood rang for nobody. Not from within the accept loop, though.
    queueMicrotask(() => this.lookForRoom());
  }

  roomMade(): void {
    if (this.draining) this.reportDrained();
    if (!this.process.anyPaused) return;
    for (let thread = 0; thread < this.ringers.length; thread++) {
      if (!this.process.isPaused(thread)) continue;
      if (thread === this.thread) this.lookForRoom();
      else this.ring(thread);
    }
  }

  slotFreed(listen: RelayListen): void {
    if (listen.board.queued === 0) return;
    const thread = longestWaitingThread(listen.board);
    if (thread === this.thread) this.serve(listen);
    else if (thread >= 0) this.ring(thread);
  }

  private onRing(): void {
    for (const listen of this.listens) if (listen.line.size > 0) this.serve(listen);
    this.lookForRoom();
  }

  private serve(listen: RelayListen): void {
    for (const dialer of listen.line) {
      if (!dialer.tryLeaveQueue() && !listen.balancer.bound) return;
    }
  }

  private lookForRoom(): void {
    let paused = false;
    for (const listener of this.listeners) {
      listener.lookForRoom();
      paused ||= listener.paused;
    }
    if (!paused) this.process.setPaused(this.thread, false);
  }

  private ring(thread: number): void {
    ring(this.ringers[thread] as number);
  }

  private reportDrained(): void {
    if (this.listens.some((listen) => listen.sessions.size > 0)) return;
    this.draining = false;
    for (const batch of this.lines) batch.flush();
    this.post({ kind: "drained" });
  }

  private beat(): void {
    this.counters[ThreadCounter.heartbeat] = this.clock.nowMs();
    let dropped = 0;
    for (const target of this.logger.losses()) for (const lost of target.dropped.values()) dropped += lost;
    this.counters[ThreadCounter.droppedLogs] = dropped;
    this.clock.after(HEARTBEAT_MS, () => this.beat());
  }

  private openListen(start: RelayListenStart): RelayListen {
    const { config } = start;
    const board = new ListenBoard(start.board);
    const names = config.servers.map((server) => server.name);
    return {
      config,
      board,
      counters: board.counters(this.thread),
      balancer: balancers[config.balance].create({ random: Math.random, names }),
      line: new WaitingLine<Dialer>(board, this.thread),
      sessions: new Set(),
      sources: config.servers.map((server) => server.source.map((host) => encodeSockaddr({ kind: "tcp", host, port: 0 }))),
      log: this.sessionLog(config),
      needsClientAddress: config.balance === "source",
    };
  }

  private sessionLog(config: ListenConfig): ((record: SessionRecord) => void) | null {
    if (config.log === "off" || !this.logger.wants(Level.info)) return null;
    const format = config.log === "halog" ? formatHalog : formatTcplog;
    return (record) => this.logger.log(Level.info, format(record));
  }
}
