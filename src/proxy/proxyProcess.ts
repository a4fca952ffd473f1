import { hostname } from "node:os";
import type { AdminCommand } from "../admin/command.ts";
import { adminCommands } from "../admin/commands/all.ts";
import type { Config } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import { assertNever } from "../core/errors.ts";
import { Level } from "../core/syslogCodes.ts";
import { COMMIT, RELEASE_DATE, VERSION } from "../core/version.ts";
import type { Cause } from "../log/events.ts";
import { hardStop, proxyHardStopped, proxyStopped } from "../log/events.ts";
import { receiveFds } from "../net/fdPassing.ts";
import { fileLimit, raiseFileLimit } from "../net/limits.ts";
import type { StandardStream } from "../net/standardStreams.ts";
import { releaseStartupPagesSoon } from "../net/startupPages.ts";
import type { PoolEvent } from "../pool/event.ts";
import { ListenCounter } from "../pool/layout.ts";
import type { Pool } from "../pool/pool.ts";
import { ProcessBoard } from "../pool/processBoard.ts";
import type { JournalEvent } from "../stats/event.ts";
import { Sampler } from "../stats/sampler.ts";
import { standingOf } from "../stats/standing.ts";
import { snapshotSteps, takeSnapshot } from "../stats/takeSnapshot.ts";
import type { ProxyView } from "../stats/view.ts";
import type { VrrpSnapshot } from "../stats/vrrpSnapshot.ts";
import type { Resolver } from "./addresses.ts";
import { AdminService } from "./adminService.ts";
import type { HostFacts } from "./chroot.ts";
import { HealthReports } from "./healthReports.ts";
import { Heartbeats } from "./heartbeats.ts";
import { describeInheritance, type Inheritance, inheritCounts, standingAfter } from "./inheritance.ts";
import { JournalMirror } from "./journalMirror.ts";
import { Leaving } from "./leaving.ts";
import { ProcessMaxconn } from "./maxconn.ts";
import { ProxyOperator } from "./operator.ts";
import { Orders } from "./orders.ts";
import type { BindSockets, ProxyReload, ProxyReport, ProxyStart, ReloadResult } from "./protocol.ts";
import { RelayPool, type RelayPoolObserver } from "./relayPool.ts";
import { Reloads } from "./reload.ts";
import { NO_RUNTIME_SERVERS, overlay } from "./runtimeServers.ts";
import { Servers } from "./servers.ts";
import { SessionList } from "./sessions.ts";
import { StandingReports } from "./standingReports.ts";
import { poolEventDraft } from "./stateEvents.ts";
import { describePoolEvent } from "./stateLog.ts";
import { StatsService } from "./statsService.ts";
import { Testament } from "./testament.ts";
import { Voice } from "./voice.ts";
import { ShortageWatch } from "./watch.ts";

/** What the proxy process needs of the world. */
export interface ProxyWorld {
  clock: Clock;
  resolve: Resolver;
  /** What was read from the system before the process was locked in. */
  host: HostFacts;
  stdout: StandardStream;
  stderr: StandardStream;
  /** false: the supervisor reads nothing, and this has not been kept for it. */
  report(report: ProxyReport): boolean;
  /** Ends the process. */
  exit(code: number): void;
}

/** Sessions that outlive `hard_stop_after` get this long to be closed and logged. */
const LAST_WORDS_MS = 200;
const WATCH_MS = 1000;
/** Looks, one every WATCH_MS, at a heartbeat that stands still until its thread is taken for hung. */
const HUNG_AFTER = 10;
const EXIT_OK = 0;
/** The supervisor has been told why. */
const EX_SOFTWARE = 70;

/** The control side of the proxy process: pools, checks, admin socket; traffic is the relay threads' alone. */
export class ProxyProcess {
  private readonly processBoard: ProcessBoard;
  private readonly servers: Servers;
  private readonly relays: RelayPool;
  private readonly leaving: Leaving;
  private readonly reloads: Reloads;
  private readonly maxconn: ProcessMaxconn;
  private readonly orders: Orders;
  private readonly journal: JournalMirror;
  private config: Config;
  private readonly voice: Voice;
  private readonly testament: Testament;
  private readonly watch: ShortageWatch;
  private readonly heartbeats: Heartbeats;
  private readonly health: HealthReports;
  private readonly standing: StandingReports;
  private readonly startedMs: number;
  private readonly sampler: Sampler;
  private readonly commands: readonly AdminCommand[];
  private readonly stats: StatsService;
  private readonly admin: AdminService;
  private vrrp: ProxyView["vrrp"] = null;
  private ready = 0;
  private drained = 0;
  private stopping = false;
  private finishing = false;
  private finished = false;
  private retired = false;

  constructor(
    private readonly given: ProxyStart,
    private readonly world: ProxyWorld,
  ) {
    const { config } = given;
    this.config = config;
    const { clock, stdout, stderr } = world;
    // One that another version starts is told of nothing.
    this.journal = new JournalMirror(given.journal ?? [], (event) => world.report({ kind: "event", event }));
    this.voice = new Voice(config.logs, { clock, stdout, stderr }, this.journal);
    this.testament = new Testament(clock, () => this.inheritance(), world.report);
    this.processBoard = ProcessBoard.create(config.global.threads);
    this.maxconn = new ProcessMaxconn(this.processBoard, given.maxconn, given.inheritance?.maxconn ?? null);
    const overlaid = overlay(config, given.inheritance?.runtimeServers ?? NO_RUNTIME_SERVERS);
    this.heartbeats = new Heartbeats(this.processBoard, HUNG_AFTER);
    this.relays = new RelayPool(this.processBoard, {
      onReport: (report) => this.onReport(report),
      onFailure: (thread, message) => this.onThreadFailure(thread, message),
    });
    this.standing = new StandingReports(clock, () =>
      world.report({ kind: "standing", standing: standingAfter(this.inheritance(), 0) }),
    );
    this.servers = new Servers(overlaid.config, clock, world.resolve, {
      onEvent: (pool, event, cause) => this.onServerEvent(pool, event, cause),
      onChange: () => {
        this.relays.ringAll();
        this.standing.changed();
      },
    });
    this.startedMs = clock.nowMs();
    this.sampler = new Sampler(this.processBoard, [...this.pools.values()], cpuMs, this.startedMs);
    this.health = new HealthReports(this.processBoard, () => [...this.pools.values()], clock, world.report);
    this.orders = new Orders(world.report);
    this.leaving = new Leaving(clock, {
      endSessions: (pool, slot) => this.kill(pool, slot ?? -1, "K-"),
      onListenGone: (pool) => this.forgetListen(pool),
      log: (event, listen) => this.voice.log(event, "gone", listen),
    });
    this.reloads = new Reloads(config, overlaid, given.listeners, {
      servers: this.servers,
      relays: this.relays,
      leaving: this.leaving,
      nowMs: () => clock.nowMs(),
      onListenAdded: (pool) => this.sampler.add(pool, clock.nowMs()),
      onBindClosed: (bind) => world.report({ kind: "closed", bind }),
    });
    this.watch = new ShortageWatch(this.pools, this.processBoard, world.host.ephemeralPorts, clock, (event, listen) =>
      this.voice.log(event, "shortage", listen),
    );
    const operator = new ProxyOperator({
      servers: this.servers,
      relays: this.relays,
      reloads: this.reloads,
      maxconn: this.maxconn,
      board: this.processBoard,
      sampler: this.sampler,
      endSessions: (pool, slot) => this.kill(pool, slot, "K-"),
      changed: (pool) => this.serversChanged(pool),
      remember: () => this.standing.changed(),
      log: (event, change, listen) => this.voice.log(event, change, listen),
    });
    this.commands = adminCommands({
      snapshot: () => takeSnapshot(this.view()),
      proxy: {
        view: () => this.view(),
        sessions: new SessionList(this.relays),
        sockets: () => this.admin.sockets,
        operator,
      },
      events: () => this.journal.events,
      check: (listen, server) => this.servers.checkFacts(listen, server),
      wallMs: () => clock.wallMs(),
      orders: {
        reload: () => this.orders.give("reload"),
        upgrade: () => this.orders.give("upgrade"),
        vrrp: {
          release: (name, hold) => this.orders.give({ kind: "release", name, hold }),
          resume: (name) => this.orders.give({ kind: "resume", name }),
        },
      },
    });
    this.admin = new AdminService(config.admin, given.adminFd, given.admin, {
      clock,
      commands: this.commands,
      onBindClosed: (bind) => world.report({ kind: "closed", bind }),
    });
    this.stats = new StatsService(config.stats, given.stats, {
      clock,
      commands: this.commands,
      snapshotSteps: () => snapshotSteps(this.view()),
      standing: () => standingOf(this.view()),
      history: () => this.sampler.history(),
      events: () => this.journal.events.toReversed(),
      log: (event) => this.voice.log(event, "page"),
      onBindClosed: (bind) => world.report({ kind: "closed", bind }),
    });
  }

  /** Starts the relay threads; `ready` is reported when all of them accept. */
  start(): void {
    const { inheritance } = this.given;
    if (inheritance !== null) inheritCounts(inheritance, this.processBoard, this.pools);
    this.servers.start(inheritance);
    this.relays.start((thread) => this.reloads.duty(thread));
    this.tick();
  }

  /** Stops accepting; exits 0 when the last connection has gone, or at `hard_stop_after`. */
  stop(): void {
    if (this.stopping) return;
    this.stopping = true;
    // Threads that have yet to open their listeners would find the fds closed, or reused.
    if (this.isReady) this.stopAccepting();
    this.servers.stop();
    this.world.clock.after(this.config.global.hardStopAfterMs, () => this.hardStop());
  }

  /** Takes over another configuration; reports `reloaded` when it has, or when it has found that it cannot. */
  async reload(command: ProxyReload): Promise<void> {
    const report = (result: ReloadResult) => this.world.report({ kind: "reloaded", reload: command.reload, ...result });
    const files = raiseFileLimit(command.files);
    let passed: BindSockets[];
    try {
      passed = this.receive(command);
    } catch (error) {
      report(this.reloads.refuse([], `the new listening sockets did not arrive: ${(error as Error).message}`));
      return;
    }
    const isForService = ({ id }: BindSockets) => command.stats.includes(id) || command.admin.includes(id);
    const ofListens = passed.filter((bind) => !isForService(bind));
    const shortage = `the proxy process may have ${files} open files, and the new maxconn needs ${command.files}: that takes a restart`;
    const result =
      files < command.files ? this.reloads.refuse(ofListens, shortage) : await this.reloads.apply(command, ofListens);
    const isApplied = result.error === null;
    const overruled = isApplied ? this.reloaded(command) : [];
    report({ ...result, overruled: [...overruled, ...result.overruled] });
    // Behind that: the supervisor has then given up what is reported as closed.
    if (isApplied) this.reloadServices(command, passed.filter(isForService));
    else this.reloads.refuse(passed.filter(isForService), result.error ?? "");
  }

  private receive({ reload, passed }: ProxyReload): BindSockets[] {
    const fds = receiveFds(this.given.passingFd, reload, sum(passed.map((bind) => bind.fds)));
    return passed.map(({ id, fds: count }) => ({ id, fds: fds.splice(0, count) }));
  }

  private reloadServices({ config, stats, admin }: ProxyReload, passed: readonly BindSockets[]): void {
    this.stats.reload(config.stats, stats, passed);
    this.admin.reload(config.admin, admin, passed);
  }

  /** What was set at run time and gives way, in words. */
  private reloaded({ config, maxconn }: ProxyReload): string[] {
    this.voice.reopen(config.logs);
    this.config = config;
    const overruled = this.maxconn.follow(maxconn);
    this.relays.ringAll();
    this.health.changed();
    this.standing.changed();
    return overruled;
  }

  /** What the supervisor answers to an order of a client of the admin socket. */
  ordered(order: number | null, text: string): void {
    if (order === null) this.orders.answerAll(text);
    else this.orders.answered(order, text);
  }

  /** As {@link stop}, but ends all connections now. */
  end(): void {
    this.stop();
    this.endConnections();
  }

  /** What the process that takes over is to know; from now on {@link retire} tells what is counted beyond that. */
  describe(): void {
    this.testament.describe();
  }

  /** Another process serves, on the same sockets: stops accepting, of the admin socket as well, and tells what is still counted. */
  retire(): void {
    if (this.retired) return;
    this.retired = true;
    // Whoever ordered a reload meanwhile has got it as well: the new program has read the file.
    this.orders.answerAll("upgraded: another proxy process serves\n");
    this.admin.leave();
    this.stats.leave();
    this.stop();
    this.testament.keepTelling();
  }

  /** What a process before this one has counted since it was asked. */
  counted(counted: Inheritance): void {
    inheritCounts(counted, this.processBoard, this.pools);
  }

  private inheritance(): Inheritance {
    const countedForMs = this.world.clock.nowMs() - this.countingSinceMs;
    const circumstances = { countedForMs, runtimeServers: this.reloads.runtime, maxconn: this.maxconn.now };
    return describeInheritance(this.processBoard, [...this.pools.values()], circumstances, (pool, slot) =>
      this.servers.checkMemory(pool, slot),
    );
  }

  /** When the counters stood at 0, in this process or in one before it. */
  private get countingSinceMs(): number {
    return this.startedMs - (this.given.inheritance?.countedForMs ?? 0);
  }

  /** The supervisor has numbered events; see {@link JournalMirror.numbered}. */
  numbered(events: readonly JournalEvent[], own: number): void {
    this.journal.numbered(events, own);
  }

  /** How the supervisor's virtual routers stand now; null: there are none any more. */
  showVrrp(snapshot: VrrpSnapshot | null): void {
    this.vrrp = snapshot && { snapshot, receivedMs: this.world.clock.nowMs() };
  }

  /** The supervisor is gone, and with it whoever could start another proxy process: clears the way for a new instance. */
  orphaned(): void {
    const { config } = this;
    this.voice.log({
      level: Level.alert,
      text: `the supervisor is gone: accepting no more, connections may finish for ${config.global.hardStopAfterMs / 1000} s`,
    });
    this.admin.close();
    this.stats.close();
    this.stop();
  }

  private get pools(): ReadonlyMap<string, Pool> {
    return this.servers.pools;
  }

  private onServerEvent(pool: Pool, event: PoolEvent, cause: Cause): void {
    const { slot, config } = event.server;
    this.sampler.poolChanged(pool, this.world.clock.nowMs());
    const line = describePoolEvent(pool.config.name, event, cause);
    const facts = this.servers.checkFacts(pool.config.name, config.name);
    this.voice.tell(line, poolEventDraft(pool.config.name, event, line, cause, facts, this.world.clock.wallMs()));
    // Before the supervisor hears that nobody serves: should we crash right then, nobody does after that either.
    if (event.kind === "noServer") this.standing.changedGravely();
    // What follows from this event follows from the loss of the last server, which is told next.
    if (!leavesNobody(event)) this.health.changed();
    if (isMarkedDown(event) && config.onMarkedDown === "shutdown-sessions") this.kill(pool, slot, "D-");
    if (isMarkedUp(event) && !config.backup && config.onMarkedUp === "shutdown-backup-sessions")
      this.killOnBackups(pool);
  }

  /** Which servers can be used may have changed. */
  private serversChanged(pool: Pool): void {
    this.sampler.poolChanged(pool, this.world.clock.nowMs());
    this.health.changed();
  }

  private killOnBackups(pool: Pool): void {
    for (const { slot, config } of pool.servers) if (config.backup) this.kill(pool, slot, "U-");
  }

  private kill(pool: Pool, server: number, termination: string): void {
    this.relays.tell({ kind: "kill", listen: this.servers.idOf(pool), server, termination });
  }

  private forgetListen(pool: Pool): void {
    this.relays.tell({ kind: "forget", listen: this.servers.idOf(pool) });
    this.servers.forgetListen(pool);
    this.sampler.remove(pool);
  }

  private onReport(report: Parameters<RelayPoolObserver["onReport"]>[0]): void {
    switch (report.kind) {
      case "ready":
        this.ready++;
        if (this.isReady) this.allReady();
        return;
      case "drained":
        this.drained++;
        if (this.drained === this.relays.threads) this.finish();
        return;
      case "closed":
        this.reloads.socketClosed(report.socket);
        return;
      case "trafficErrors": {
        const pool = this.servers.byId(report.listen);
        if (pool !== undefined) this.servers.observed(pool, report.server, report.count);
        return;
      }
      case "shortage": {
        const pool = this.servers.byId(report.listen);
        const server = pool?.slots[report.server]?.config.name ?? `#${report.server}`;
        this.watch.shortage(pool?.config.name ?? "?", server, report.errno);
        return;
      }
      case "acceptShortage":
        this.watch.acceptShortage(this.servers.byId(report.listen)?.config.name ?? "?", report.errno);
        return;
      case "lines":
        this.world[report.target].writeText(report.text);
        return;
      default:
        assertNever(report);
    }
  }

  private allReady(): void {
    if (this.stopping) {
      this.stopAccepting();
      return;
    }
    this.admin.open();
    this.stats.open();
    releaseStartupPagesSoon(this.world.clock, this.world.host.code);
    this.standing.start();
    this.health.start(); // so that whoever hears that we serve knows how well
    this.world.report({ kind: "ready" });
  }

  private get isReady(): boolean {
    return this.ready === this.relays.threads;
  }

  private stopAccepting(): void {
    this.relays.tell({ kind: "stop" }); // each thread closes its own listening fds: nobody else knows when it is done with them
  }

  private tick(): void {
    const hung = this.heartbeats.look();
    if (hung !== null) this.fail(`relay thread ${hung}: its event loop has not turned for ${HUNG_AFTER} s`);
    this.watch.look();
    this.sampler.sample(this.world.clock.nowMs());
    this.world.clock.after(WATCH_MS, () => this.tick());
  }

  /** What statistics are made from. */
  private view(): ProxyView {
    const { given, world } = this;
    const nowMs = world.clock.nowMs();
    return {
      clock: world.clock,
      version: VERSION,
      commit: COMMIT,
      releaseDate: RELEASE_DATE,
      pid: process.pid,
      supervisorPid: given.supervisorPid,
      node: hostname(),
      startedMs: nowMs - (world.clock.wallMs() - given.startedWallMs),
      proxyStartedMs: this.countingSinceMs,
      startedWallMs: given.startedWallMs,
      restarts: given.restarts,
      stopping: this.stopping,
      lateThread: this.health.lateThread,
      fileLimit: fileLimit().soft,
      droppedLogs: world.stdout.droppedLines + world.stderr.droppedLines + this.voice.dropped,
      board: this.processBoard,
      pools: [...this.pools.values(), ...this.leaving.listens],
      poolOf: (listen) => this.servers.byId(listen) ?? null,
      leavingUntilMs: (pool) => this.leaving.untilMs(pool),
      sampler: this.sampler,
      vrrp: this.vrrp,
      check: (pool, slot) => this.servers.checkView(pool, slot),
    };
  }

  private hardStop(): void {
    this.voice.log(hardStop(), "stop");
    this.endConnections();
  }

  private endConnections(): void {
    for (const pool of [...this.pools.values(), ...this.leaving.listens])
      this.voice.log(proxyHardStopped(pool.config.name, pool.board.current), "stopped", pool.config.name);
    this.relays.tell({ kind: "kill", listen: null, server: -1, termination: "K-" });
    this.world.clock.after(LAST_WORDS_MS, () => this.finish());
  }

  private onThreadFailure(thread: number, message: string): void {
    // The error's own line is for the log; all of it is for whoever mends it.
    const [summary = message] = /^(\w*Error|error): .*$/m.exec(message) ?? [];
    if (summary !== message && !this.finished) this.world.stderr.write(message);
    this.fail(`relay thread ${thread}: ${summary}`);
  }

  private fail(message: string): void {
    if (this.finished) return;
    this.voice.log({ level: Level.alert, text: message });
    this.world.report({ kind: "failed", message });
    this.exit(EX_SOFTWARE);
  }

  private finish(): void {
    if (this.finishing) return;
    this.finishing = true;
    this.admin.stop();
    this.stats.finish(() => this.sayEnd());
  }

  private sayEnd(): void {
    if (this.retired) this.testament.tellCounted();
    for (const pool of [...this.pools.values(), ...this.leaving.listens]) {
      this.voice.log(
        proxyStopped(
          pool.config.name,
          pool.board.sum(ListenCounter.connections),
          pool.board.sum(ListenCounter.established),
        ),
        "stopped",
        pool.config.name,
      );
    }
    this.exit(EXIT_OK);
  }

  private exit(code: number): void {
    if (this.finished) return;
    this.finished = true;
    this.health.stop();
    this.standing.stop();
    this.voice.close();
    this.world.exit(code);
  }
}

function leavesNobody({ kind, activeServers, backupServers }: PoolEvent): boolean {
  return kind !== "noServer" && activeServers + backupServers === 0;
}

/** As HAProxy has it, maintenance of a server that was up takes it down as well. */
function isMarkedDown({ kind, server }: PoolEvent): boolean {
  return kind === "down" || (kind === "entersMaintenance" && server.up);
}

/** It takes new sessions again. */
function isMarkedUp({ kind, server }: PoolEvent): boolean {
  if (kind === "up") return true;
  return (kind === "leavesMaintenance" || kind === "leavesDrain") && server.up && server.admin === "ready";
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
