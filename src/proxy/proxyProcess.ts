import { hostname } from "node:os";
import { readingCommands } from "../admin/commands.ts";
import { type AdminServer, serveAdmin } from "../admin/server.ts";
import { balancers } from "../balance/index.ts";
import type { Clock } from "../core/clock.ts";
import { assertNever } from "../core/errors.ts";
import { Level } from "../core/syslogCodes.ts";
import { COMMIT, RELEASE_DATE, VERSION } from "../core/version.ts";
import type { Cause, LogEvent } from "../log/events.ts";
import { hardStop, proxyHardStopped, proxyStopped } from "../log/events.ts";
import type { Logger } from "../log/logger.ts";
import { libc } from "../net/libc.ts";
import { ephemeralPorts, fileLimit } from "../net/limits.ts";
import type { StandardStream } from "../net/standardStreams.ts";
import { ListenBoard } from "../pool/board.ts";
import { ListenCounter } from "../pool/layout.ts";
import { Pool, type PoolEvent } from "../pool/pool.ts";
import { ProcessBoard } from "../pool/processBoard.ts";
import { openLogger } from "../relay/openLogger.ts";
import { Sampler } from "../stats/sampler.ts";
import { takeSnapshot } from "../stats/takeSnapshot.ts";
import type { ProxyView } from "../stats/view.ts";
import type { RelayReport } from "../relay/protocol.ts";
import { LateAddresses, type Resolver } from "./addresses.ts";
import { HealthChecks } from "./healthChecks.ts";
import { RelayPool } from "./relayPool.ts";
import { describePoolEvent } from "./stateLog.ts";
import type { ProxyReport, ProxyStart } from "./protocol.ts";
import { ShortageWatch } from "./watch.ts";

/** What the proxy process needs of the world. */
export interface ProxyWorld {
  clock: Clock;
  resolve: Resolver;
  stdout: StandardStream;
  stderr: StandardStream;
  report(report: ProxyReport): void;
  /** Ends the process. */
  exit(code: number): void;
}

/** Sessions that outlive `hard_stop_after` get this long to be closed and logged. */
const LAST_WORDS_MS = 200;
const WATCH_MS = 1000;
const ADMIN_BACKLOG = 64;

/** The control side of the proxy process: pools, checks, admin socket; traffic is the relay threads' alone. */
export class ProxyProcess {
  private readonly processBoard: ProcessBoard;
  private readonly pools = new Map<string, Pool>();
  private readonly relays: RelayPool;
  private readonly health: HealthChecks;
  private readonly logger: Logger;
  private readonly addresses: LateAddresses;
  private readonly watch: ShortageWatch;
  private readonly causes = new Map<string, Cause>();
  private readonly startedMs: number;
  private readonly sampler: Sampler;
  private admin: AdminServer | null = null;
  private ready = 0;
  private drained = 0;
  private stopping = false;

  constructor(
    private readonly given: ProxyStart,
    private readonly world: ProxyWorld,
  ) {
    const { config } = given;
    const { clock, stdout, stderr } = world;
    this.logger = openLogger(config.logs, process.pid, clock, { stdout, stderr });
    this.processBoard = ProcessBoard.create(config.global.threads);
    this.processBoard.maxconn = given.maxconn;
    this.relays = new RelayPool(this.processBoard, {
      onReport: (report) => this.onReport(report),
      onFailure: (thread, message) => this.fail(`relay thread ${thread}: ${message}`),
    });
    this.addresses = new LateAddresses(world.resolve, clock, (host) => this.giveAddresses(host));
    for (const listen of config.listens) this.pools.set(listen.name, this.createPool(listen.name));
    this.health = new HealthChecks(
      config,
      this.pools,
      clock,
      (endpoint) => this.addresses.encode(endpoint),
      (listen, slot, result) => this.causes.set(`${listen}/${slot}`, result),
    );
    this.startedMs = clock.nowMs();
    this.sampler = new Sampler(this.processBoard, [...this.pools.values()], cpuMs, this.startedMs);
    this.watch = new ShortageWatch(this.pools, this.processBoard, ephemeralPorts(), clock, (event) => this.log(event));
  }

  /** Starts the relay threads; `ready` is reported when all of them accept. */
  start(): void {
    const { config, listeners } = this.given;
    this.giveAddresses(null);
    this.health.start();
    this.relays.start(config.logs, (thread) =>
      config.listens.map((listen) => ({
        config: listen,
        board: (this.pools.get(listen.name) as Pool).board.share(),
        fds: (listeners.find((each) => each.listen === listen.name)?.fds ?? []).flatMap((fds) => fds[thread] ?? []),
      })),
    );
  }

  /** Stops accepting; exits 0 when the last connection has gone, or at `hard_stop_after`. */
  stop(): void {
    if (this.stopping) return;
    this.stopping = true;
    this.health.stop();
    this.addresses.stop();
    this.relays.tell({ kind: "stop" });
    for (const { fds } of this.given.listeners) for (const fd of fds.flat()) libc.close(fd);
    this.world.clock.after(this.given.config.global.hardStopAfterMs, () => this.hardStop());
  }

  private createPool(name: string): Pool {
    const { config } = this.given;
    const listen = config.listens.find((each) => each.name === name);
    if (listen === undefined) throw new RangeError(`no listen ${name}`);
    return new Pool(listen, ListenBoard.create(listen.servers.length, config.global.threads), {
      clock: this.world.clock,
      dynamicWeights: balancers[listen.balance].dynamicWeights,
      onEvent: (event) => this.onPoolEvent(name, event),
      onChange: () => this.relays.ringAll(),
    });
  }

  /** Gives servers their addresses: all at start, or those that a name was just found for. */
  private giveAddresses(resolved: string | null): void {
    for (const pool of this.pools.values()) {
      for (const { slot, config } of pool.servers) {
        if (resolved !== null && config.hostname !== resolved) continue;
        const sockaddr = this.addresses.encode(config.address);
        pool.setAddress(slot, sockaddr);
        if (sockaddr === null && config.hostname !== null) this.addresses.want(config.hostname);
      }
    }
  }

  private onPoolEvent(listen: string, event: PoolEvent): void {
    const { slot, config } = event.server;
    this.sampler.poolChanged([...this.pools.keys()].indexOf(listen), this.world.clock.nowMs());
    this.log(describePoolEvent(listen, event, this.causes.get(`${listen}/${slot}`) ?? null));
    if (event.kind === "down" && config.onMarkedDown === "shutdown-sessions") {
      this.relays.tell({ kind: "kill", listen, server: slot, termination: "D-" });
    }
    if (event.kind === "up" && !config.backup && config.onMarkedUp === "shutdown-backup-sessions") this.killOnBackups(listen);
  }

  private killOnBackups(listen: string): void {
    for (const { slot, config } of this.pools.get(listen)?.servers ?? []) {
      if (config.backup) this.relays.tell({ kind: "kill", listen, server: slot, termination: "U-" });
    }
  }

  private onReport(report: RelayReport): void {
    switch (report.kind) {
      case "ready":
        this.ready++;
        if (this.ready === this.relays.threads) this.allReady();
        return;
      case "drained":
        this.drained++;
        if (this.drained === this.relays.threads) this.finish();
        return;
      case "trafficErrors":
        this.health.observed(report.listen, report.server, report.count);
        return;
      case "shortage":
        this.watch.shortage(report.listen, this.serverName(report.listen, report.server), report.errno);
        return;
      case "lines":
        this.world[report.target].writeText(report.text);
        return;
      default:
        assertNever(report);
    }
  }

  private allReady(): void {
    const { adminFd } = this.given;
    if (adminFd !== null) {
      const commands = readingCommands(() => takeSnapshot(this.view()));
      this.admin = serveAdmin(adminFd, ADMIN_BACKLOG, commands, this.world.clock);
    }
    this.tick();
    this.world.report({ kind: "ready" });
  }

  private tick(): void {
    this.watch.look();
    this.sampler.sample(this.world.clock.nowMs());
    this.world.clock.after(WATCH_MS, () => this.tick());
  }

  /** What statistics are made from. */
  private view(): ProxyView {
    const { given, world } = this;
    const nowMs = world.clock.nowMs();
    let droppedLogs = 0;
    for (const target of this.logger.losses()) for (const lost of target.dropped.values()) droppedLogs += lost;
    return {
      clock: world.clock,
      version: VERSION,
      commit: COMMIT,
      releaseDate: RELEASE_DATE,
      pid: process.pid,
      supervisorPid: given.supervisorPid,
      node: hostname(),
      startedMs: nowMs - (world.clock.wallMs() - given.startedWallMs),
      proxyStartedMs: this.startedMs,
      startedWallMs: given.startedWallMs,
      restarts: given.restarts,
      stopping: this.stopping,
      fileLimit: fileLimit().soft,
      droppedLogs,
      board: this.processBoard,
      pools: [...this.pools.values()],
      sampler: this.sampler,
      check: (pool, slot) => this.health.view(pool.config.name, slot),
    };
  }

  private hardStop(): void {
    this.log(hardStop());
    for (const [name, pool] of this.pools) this.log(proxyHardStopped(name, pool.board.current));
    this.relays.tell({ kind: "kill", listen: null, server: -1, termination: "K-" });
    this.world.clock.after(LAST_WORDS_MS, () => this.finish());
  }

  private finish(): void {
    this.admin?.stop();
    for (const [name, pool] of this.pools) {
      this.log(proxyStopped(name, pool.board.sum(ListenCounter.connections), pool.board.sum(ListenCounter.established)));
    }
    this.logger.close();
    this.world.exit(0);
  }

  private fail(message: string): void {
    if (this.stopping && this.drained === this.relays.threads) return;
    this.log({ level: Level.alert, text: message });
    this.world.report({ kind: "failed", message });
    this.world.exit(70);
  }

  private serverName(listen: string, slot: number): string {
    return this.pools.get(listen)?.servers[slot]?.config.name ?? `#${slot}`;
  }

  private log(event: LogEvent): void {
    this.logger.log(event.level, event.text);
  }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
