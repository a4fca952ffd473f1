import { isDeepStrictEqual } from "node:util";
import { balancers } from "../balance/index.ts";
import type { ListenConfig, LogConfig, ServerConfig } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import { Level } from "../core/syslogCodes.ts";
import type { Logger } from "../log/logger.ts";
import { formatHalog, formatTcplog, type SessionRecord } from "../log/record.ts";
import { answerDoorbell, ring } from "../net/doorbell.ts";
import { encodeSockaddr } from "../net/sockaddr.ts";
import { ListenBoard } from "../pool/board.ts";
import { ProcessBoard, ThreadCounter } from "../pool/processBoard.ts";
import type { SessionView } from "../pool/sessionView.ts";
import { DeadlineWheel } from "./deadlineWheel.ts";
import type { Dialer } from "./dialer.ts";
import type { RelayEnvironment, RelayListen } from "./environment.ts";
import { LineBatch } from "./lineBatch.ts";
import { Listener } from "./listener.ts";
import { openLogger } from "./openLogger.ts";
import type { RelayDuty, RelayListenStart, RelayReport, RelayStart } from "./protocol.ts";
import { Registry } from "./registry.ts";
import { SESSIONS_A_PAGE, SessionLists, viewOf } from "./sessionLists.ts";
import { ANY_SERVER, longestWaitingThread, WaitingLine } from "./waitingLine.ts";

/** How often a thread shows on the scoreboard that its loop turns. */
const HEARTBEAT_MS = 250;

/** All listens as one relay thread serves them. */
export class RelayThread implements RelayEnvironment {
  readonly thread: number;
  readonly process: ProcessBoard;
  readonly counters: Float64Array;
  readonly deadlines: DeadlineWheel;
  private readonly ringers: readonly number[];
  private readonly listens = new Map<number, RelayListen>();
  /** By their fd: after an upgrade a bind may have more than one here. */
  private readonly listeners = new Map<number, Listener>();
  /** Binds that the duty in force has. */
  private wanted: ReadonlySet<number> = new Set();
  private readonly lines: { stdout: LineBatch; stderr: LineBatch };
  private logs: readonly LogConfig[];
  /** Lines that loggers of earlier duties lost. */
  private droppedBefore = 0;
  private logger: Logger;
  /** Lines of the sessions that ended in this turn of the loop. */
  private readonly ended: string[] = [];
  private draining = false;
  private sessionsBefore = 0;
  private readonly lists: SessionLists;

  constructor(
    private readonly given: RelayStart,
    readonly clock: Clock,
    private readonly post: (report: RelayReport) => void,
  ) {
    this.thread = given.thread;
    this.process = new ProcessBoard(given.process);
    this.counters = this.process.counters(this.thread);
    this.deadlines = new DeadlineWheel(clock);
    this.ringers = given.ringers;
    this.lists = new SessionLists(
      this.thread,
      () => Array.from(this.listens.values(), ({ sessions }) => sessions.all()).flat(),
      () => clock.nowMs(),
    );
    const stdout = new LineBatch(clock, (text) => post({ kind: "lines", target: "stdout", text }));
    const stderr = new LineBatch(clock, (text) => post({ kind: "lines", target: "stderr", text }));
    this.lines = { stdout, stderr };
    this.logs = given.duty.logs;
    this.logger = openLogger(this.logs, process.pid, clock, this.lines);
  }

  /** Starts accepting; throws Error when an fd cannot be listened on. */
  start(): void {
    answerDoorbell(this.given.doorbell, () => this.onRing());
    const error = this.apply(this.given.duty);
    if (error !== null) throw new Error(error);
    this.beat();
  }

  /**
   * Takes over another duty; what is wrong with it, null: nothing. Listeners that it has not go on until {@link settle}, so
   * the duty before can be given again.
   */
  apply(duty: RelayDuty): string | null {
    if (!isDeepStrictEqual(this.logs, duty.logs)) this.changeLogs(duty.logs);
    this.wanted = new Set(duty.listens.flatMap(({ sockets }) => sockets.map(({ id }) => id)));
    const listeners = duty.listens.flatMap((start) => {
      const listen = this.openListen(start, this.listens.get(start.id));
      this.listens.set(start.id, listen);
      const { accepting } = start;
      return start.sockets.map(({ id, fd }) => ({ listener: this.listenerOf(id, fd, listen), accepting }));
    });
    if (this.draining) return null;
    try {
      for (const { listener, accepting } of listeners) {
        if (!accepting) listener.suspend();
        else if (!listener.waitsForRoom) listener.start();
      }
    } catch (error) {
      return (error as Error).message;
    }
    this.lookForRoom(); // limits may have changed
    return null;
  }

  /** Closes listeners that the duty in force does not have, each when its queue is empty, or after `graceMs`. */
  settle(graceMs: number): void {
    for (const [fd, listener] of this.listeners) {
      if (this.wanted.has(listener.bind) || listener.closing) continue;
      listener.close(graceMs, () => {
        this.listeners.delete(fd);
        this.post({ kind: "closed", socket: listener.bind });
      });
    }
  }

  /** A listen's clients are refused from now on, or again accepted. */
  setAccepting(listen: number, accepting: boolean): void {
    for (const listener of this.listeners.values()) {
      if (!listener.serves(listen)) continue;
      if (accepting) listener.resume();
      else listener.suspend();
    }
  }

  /** Its highest values, or `all` its counters, are 0 from now on. */
  clearCounters(all: boolean): void {
    for (const { board } of this.listens.values()) board.clearCounters(this.thread, all);
    this.process.clearMaxima(this.thread);
  }

  /** A listen that was removed has no sessions left, and no listeners. */
  forget(listen: number): void {
    this.listens.delete(listen);
  }

  /** Stops accepting and reports `drained` once the last connection has gone. */
  stop(): void {
    this.draining = true;
    for (const listener of this.listeners.values()) listener.stop();
    this.reportDrained();
  }

  /** Ends sessions at once: of one listen's server, or all. */
  kill(listen: number | null, server: number, termination: string): void {
    for (const each of this.listens.values()) {
      if (listen !== null && each.id !== listen) continue;
      for (const session of each.sessions.all())
        if (server < 0 || session.dialer.attachedTo === server) session.kill(termination);
    }
  }

  /** The next page of a list of the sessions that live, see {@link SessionLists}. */
  list(list: number, detail: boolean): { sessions: SessionView[]; hasMore: boolean } {
    const sessions = this.lists.page(list, detail);
    return { sessions, hasMore: sessions.length === SESSIONS_A_PAGE };
  }

  /** Nobody wants the rest of a list. */
  dropList(list: number): void {
    this.lists.drop(list);
  }

  /** How a session stands, before it is ended if that is wanted; null: there is no such session. */
  session(id: number, termination: string | null): SessionView | null {
    const session = this.lists.find(id);
    if (session === null) return null;
    const view = viewOf(session, this.thread, this.clock.nowMs(), true);
    if (termination !== null) session.kill(termination);
    return view;
  }

  // What sessions and listeners ask for.

  nextSession(): number {
    return this.sessionsBefore++;
  }

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

  slotFreed(listen: RelayListen, server: number): void {
    if (listen.board.queued === 0) return;
    if (server !== ANY_SERVER) this.offer(listen, server);
    this.offer(listen, ANY_SERVER);
  }

  private onRing(): void {
    for (const listen of this.listens.values()) this.offerAll(listen);
    this.lookForRoom();
  }

  /** Servers or limits may have changed, or another thread has found that ours is the longest waiting. */
  private offerAll(listen: RelayListen): void {
    const { board, line } = listen;
    if (board.queued === 0) return;
    for (let server = 0; server < board.slots; server++) {
      if (board.queuedOn(server) === 0) continue;
      if (board.weight(server) > 0) this.offer(listen, server);
      else for (const dialer of line.all(server)) dialer.choose();
    }
    this.offer(listen, ANY_SERVER);
  }

  /**
   * Gives free slots to those who wait in a queue, longest waiting of all threads first. When that is another thread's, it is
   * rung and goes on from there; so it does when the one it was rung for has left, and no slot stays free while somebody waits.
   */
  private offer(listen: RelayListen, queue: number): void {
    const { board, line } = listen;
    while (hasRoom(board, queue)) {
      const thread = longestWaitingThread(board, queue);
      if (thread !== this.thread) {
        if (thread >= 0) this.ring(thread);
        return;
      }
      if (line.oldest(queue)?.leaveQueue() !== true) return;
    }
  }

  private lookForRoom(): void {
    let paused = false;
    for (const listener of this.listeners.values()) {
      listener.lookForRoom();
      paused ||= listener.paused;
    }
    if (!paused) this.process.setPaused(this.thread, false);
  }

  private ring(thread: number): void {
    ring(this.ringers[thread] as number);
  }

  private reportDrained(): void {
    for (const listen of this.listens.values()) if (listen.sessions.size > 0) return;
    this.draining = false;
    this.logEnded();
    for (const batch of Object.values(this.lines)) batch.flush();
    this.post({ kind: "drained" });
  }

  private beat(): void {
    this.counters[ThreadCounter.heartbeat] = this.clock.nowMs();
    this.counters[ThreadCounter.droppedLogs] = this.droppedBefore + this.logger.dropped;
    this.clock.after(HEARTBEAT_MS, () => this.beat());
  }

  /** @param before the same listen in its configuration so far */
  private openListen(start: RelayListenStart, before: RelayListen | undefined): RelayListen {
    const { id, config, order } = start;
    const board = before?.board ?? new ListenBoard(start.board);
    const names = start.servers.map((server) => server?.name ?? "");
    const servers = (before?.servers ?? []) as (ServerConfig | null)[];
    servers.splice(0, Infinity, ...start.servers);
    for (const slot of start.fresh) board.clearServerCounters(this.thread, slot);
    return {
      id,
      config,
      servers,
      board,
      counters: board.counters(this.thread),
      balancer: balancers[config.balance].create({ random: Math.random, names, order }),
      line: before?.line ?? new WaitingLine<Dialer>(board, this.thread),
      sessions: before?.sessions ?? new Registry(),
      sources: start.servers.map((server) =>
        (server?.source ?? []).map((host) => encodeSockaddr({ kind: "tcp", host, port: 0 })),
      ),
      log: this.sessionLog(config),
      needsClientAddress: config.balance === "source",
    };
  }

  private listenerOf(id: number, fd: number, listen: RelayListen): Listener {
    const known = this.listeners.get(fd);
    const listener = known ?? new Listener(this, listen, id, fd);
    if (known === undefined) this.listeners.set(fd, listener);
    else known.serve(listen);
    return listener;
  }

  private changeLogs(logs: readonly LogConfig[]): void {
    this.logEnded();
    this.logger.close();
    this.droppedBefore += this.logger.dropped;
    this.logs = logs;
    this.logger = openLogger(logs, process.pid, this.clock, this.lines);
  }

  private sessionLog(config: ListenConfig): ((record: SessionRecord) => void) | null {
    if (config.log === "off" || !this.logger.wants(Level.info)) return null;
    const format = config.log === "halog" ? formatHalog : formatTcplog;
    return (record) => {
      // Sent together when the turn of the loop is over: a syslog daemon that is woken once instead of for every line costs
      // each of them a third less.
      if (this.ended.push(format(record)) === 1) setImmediate(() => this.logEnded());
    };
  }

  private logEnded(): void {
    for (const line of this.ended.splice(0)) this.logger.log(Level.info, line);
  }
}

function hasRoom(board: ListenBoard, queue: number): boolean {
  if (queue !== ANY_SERVER) return board.weight(queue) > 0 && board.hasRoom(queue);
  for (let server = 0; server < board.slots; server++)
    if (board.weight(server) > 0 && board.hasRoom(server)) return true;
  return false;
}
