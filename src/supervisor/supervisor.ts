import { closeSync } from "node:fs";
import { hostname } from "node:os";
import { isDeepStrictEqual } from "node:util";
import { filesNeeded, maxconnWithin } from "../config/fileBudget.ts";
import type { LoadedFile } from "../config/load.ts";
import type { Config, VrrpConfig } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import { formatEndpoint } from "../core/endpoint.ts";
import { assertNever, UserError } from "../core/errors.ts";
import { addressSpaceProblem } from "../core/limits.ts";
import { Level } from "../core/syslogCodes.ts";
import { COMMIT, VERSION } from "../core/version.ts";
import type { Logger } from "../log/logger.ts";
import { libc, SystemError } from "../net/libc.ts";
import { raiseFileLimit } from "../net/limits.ts";
import type { StandardStream } from "../net/standardStreams.ts";
import { releaseStartupPagesSoon } from "../net/startupPages.ts";
import type { HealthReport, SupervisorOrder } from "../proxy/protocol.ts";
import { openLogger } from "../relay/openLogger.ts";
import type { ProxyView } from "../stats/view.ts";
import type { VrrpHandoff } from "../vrrp/handoff.ts";
import type { ServiceHealth } from "../vrrp/trackerFeed.ts";
import { chooseAccount } from "./account.ts";
import { CrashDesk } from "./crashDesk.ts";
import { HANDOFF_VERSION, type Handoff, type OpenProcess } from "./handoff.ts";
import { BoundListeners } from "./listeners.ts";
import { claimPidFile, keepPidFile, PidFileHeld, pidFileDescriptor } from "./pidFile.ts";
import { ProxyHost } from "./proxyHost.ts";
import { PROXY_LATE_MS, ProxyWatch } from "./proxyWatch.ts";
import { Reloader, type ReloadOutcome } from "./reloader.ts";
import { SdNotify, type ServiceState } from "./sdNotify.ts";
import { dismissStandIn, startStandIn } from "./standIn.ts";
import { statusLine } from "./statusLine.ts";
import { reapStrays } from "./strays.ts";
import { executeSuccessor, openOwnExecutable, rollBack, successorProblem } from "./upgrade.ts";
import { VirtualIps } from "./virtualIps.ts";

/** What the supervisor needs of the world. */
export interface SupervisorWorld {
  clock: Clock;
  uid: number;
  stdout: StandardStream;
  stderr: StandardStream;
  /** Command line that becomes a proxy process, and the name that it shows in process lists. */
  proxyCommand: readonly string[];
  proxyName: string;
  adminSocket: string;
  /** Reads the configuration file again; `path` names it in messages. */
  reload: { readonly path: string; load(): Promise<LoadedFile> };
  /** Command line of the program on disk, why it must not take our place (null: it may), and whether nohup(1) has started us. */
  upgrade: { readonly program: readonly string[]; readonly fixed: string | null; readonly hangupIgnored: boolean };
  /** The first proxy process serves. */
  onReady(): void;
}

const EXIT_OK = 0;
const EXIT_FAILED = 1;
/** The ready line names so many addresses, and counts more than these. */
const NAMED_BINDS = 6;
/** Longest wait at start for addresses that a killed predecessor's proxy process is letting go. */
const HANDOVER_MS = 1000;
/** A proxy process that has not exited this long after it should have is ended. */
const STOP_GRACE_MS = 2000;
/** A reload waits so long for the sockets of the one before it to be closed, and looks this often. */
const CLOSING_MS = 2000;
const LOOK_MS = 20;

/**
 * The small, quiet, privileged process: binds, starts the proxy process and keeps it running, stops it on demand. Carries
 * no traffic. It ends with `finished`.
 */
export class Supervisor {
  /** Exit status, once everything has stopped. */
  readonly finished: Promise<number>;
  private end!: (code: number) => void;
  private logger: Logger;
  private host: ProxyHost | null = null;
  private listeners: BoundListeners | null = null;
  private removePidFile: (() => void) | null = null;
  private everReady = false;
  private stopSignals = 0;
  /** Resolves when the attempt to upgrade that is under way has failed; null: there is none. */
  private upgrading: Promise<unknown> | null = null;
  /** What the former program handed over, until the upgrade is done. */
  private handoff: Handoff | null = null;
  /** Resolves when it is. */
  private taken: Promise<void> = Promise.resolve();
  private takenResolve = () => {};
  private startedWallMs: number;
  private virtualIps: VirtualIps | null = null;
  /** Scripts and mails that the virtual IPs still have to tell of their end. */
  private lastWords: Promise<void> | null = null;
  private readonly proxyWatch: ProxyWatch;
  private readonly reloader: Reloader;
  private readonly crashDesk: CrashDesk;
  private readonly service: SdNotify;
  /** The latest of what the service manager is told about. */
  private health: HealthReport | null = null;
  private vrrp: ProxyView["vrrp"] = null;

  constructor(
    private config: Config,
    private readonly world: SupervisorWorld,
  ) {
    this.finished = new Promise((resolve) => {
      this.end = resolve;
    });
    this.startedWallMs = world.clock.wallMs();
    this.proxyWatch = new ProxyWatch(world.clock, PROXY_LATE_MS, () => {
      this.virtualIps?.healthChanged();
      this.service.changed();
    });
    this.crashDesk = new CrashDesk(world.clock, this.startedWallMs, () => ({
      config: this.config,
      vrrp: this.virtualIps === null ? null : this.vrrp,
    }));
    this.service = SdNotify.fromEnvironment(process.env, process.pid, world.clock, () => this.serviceState());
    this.logger = openLogger(config.logs, process.pid, world.clock, { stdout: world.stdout, stderr: world.stderr });
    this.reloader = this.makeReloader();
  }

  /**
   * Binds everything and starts the proxy process; throws UserError when that cannot be. With the handoff of the program
   * that was here before, goes on with what is open: then nothing is closed when it throws.
   */
  start(handoff: Handoff | null = null): void {
    this.handoff = handoff;
    if (handoff !== null) {
      this.startedWallMs = handoff.startedWallMs;
      this.taken = new Promise((resolve) => {
        this.takenResolve = resolve;
      });
    }
    const { config, world } = this;
    const { account, warning } = chooseAccount(config.global, world.uid);
    if (warning !== null) this.warn(warning);
    const chroot = world.uid === 0 ? config.global.chroot : null;
    if (chroot !== config.global.chroot) this.warn("[global] chroot is ignored: only root can change it");
    const cramped = addressSpaceProblem();
    if (cramped !== null) this.warn(cramped);
    const maxconn = this.fitFileLimit(config);
    // First, so that a second start is told about the first one rather than about its ports.
    this.writePid();
    try {
      this.listeners =
        handoff === null
          ? BoundListeners.bindPatiently(config, world.adminSocket, HANDOVER_MS)
          : BoundListeners.bind(config, world.adminSocket, [...handoff.listeners, handoff.admin]);
    } catch (error) {
      if (handoff === null) this.removePidFile?.();
      throw error;
    }
    this.host = new ProxyHost(
      { command: world.proxyCommand, name: world.proxyName },
      { config, maxconn, account, chroot, startedWallMs: this.startedWallMs },
      this.listeners,
      world.clock,
      {
        onStart: () => {
          this.crashDesk.close();
          this.proxyWatch.started();
        },
        onReady: (pid) => this.onReady(pid),
        onHealth: (report) => {
          this.health = report;
          this.proxyWatch.reported(report);
          this.service.changed();
        },
        onBindClosed: (bind) => this.listeners?.closeBind(bind),
        onOrder: (what, answer) => void this.order(what, answer),
        onCrash: (reason, delayMs, crashes, restarts) => this.onCrash(reason, delayMs, crashes, restarts),
        onSuccessorFailed: (reason) => this.onSuccessorFailed(reason),
        onStopped: (failure) => this.onStopped(failure),
      },
    );
    if (handoff !== null) this.takeOver(this.host, handoff);
    try {
      if (config.vrrp !== null) this.startVirtualIps(config.vrrp, handoff?.vrrp ?? null);
      if (handoff?.standIn != null) dismissStandIn(handoff.standIn, world.clock);
    } catch (error) {
      if (handoff === null) {
        this.removePidFile?.();
        this.listeners.close();
      }
      throw error;
    }
    if (handoff === null) this.host.start();
    else this.goOn(this.host, handoff);
  }

  /** The proxy process of the former program serves on: as far as anybody can tell, nothing has happened. */
  private takeOver(host: ProxyHost, { proxy, retired, restarts, health, standIn }: Handoff): void {
    const known = [proxy, ...retired, ...(standIn === null ? [] : [standIn])];
    reapStrays(
      known.map(({ pid }) => pid),
      this.world.clock,
    );
    this.everReady = true;
    host.adopt(proxy, retired, restarts);
    if (health !== null) {
      this.health = health;
      this.proxyWatch.reported(health);
    }
    this.service.resume();
  }

  private goOn(host: ProxyHost, { failure, by, from, executable }: Handoff): void {
    if (failure === null) {
      this.say(`${by}: ${VERSION} (${COMMIT}) takes over from ${from}`);
      void host.replace();
      return;
    }
    this.takenOver();
    if (executable !== null) closeSync(executable);
    this.listeners?.closeLeftOver();
    const text = `upgrade failed: ${failure}; ${VERSION} (${COMMIT}) and its proxy process go on`;
    this.tell(Level.alert, `${by}: ${text}`);
    host.answerOrders(`Failed: ${text}\n`);
    this.service.ready();
  }

  /**
   * Executes the program on disk in our place, which keeps all that is open; its own proxy process then takes over from
   * ours. Returns only when that cannot be: what is wrong, in words that the log has as well.
   *
   * @param by who orders it, for the log
   */
  async upgrade(by: string): Promise<string> {
    if (this.upgrading !== null) return "an upgrade is under way";
    const attempt = this.tryUpgrade(by);
    this.upgrading = attempt;
    try {
      const text = `${by}: no upgrade: ${await attempt}; nothing changes`;
      this.tell(Level.err, text);
      return text;
    } finally {
      this.upgrading = null;
    }
  }

  private async tryUpgrade(by: string): Promise<string> {
    const { world } = this;
    const { program, fixed } = world.upgrade;
    if (fixed !== null) return fixed;
    if (!this.everReady || this.handoff !== null) return "the proxy process is still starting";
    await this.reloader.idle();
    await this.socketsClosed();
    const problem = await successorProblem(program, world.reload.path, world.clock);
    if (problem !== null) return problem;
    if ((await this.host?.handOver()) == null) return "no proxy process answers";
    const standIn = await startStandIn(world.proxyCommand.slice(0, -1), this.virtualIps?.standIn() ?? [], world.clock);
    try {
      return await this.execute(by, standIn);
    } finally {
      if (standIn !== null) libc.close(standIn.channel);
    }
  }

  /** Returns only when that fails: why. */
  private async execute(by: string, standIn: OpenProcess | null): Promise<string> {
    const { world } = this;
    const { program } = world.upgrade;
    this.say(`${by}: executing ${program.join(" ")}`);
    this.service.reloading();
    await Promise.all([world.stdout.drain(), world.stderr.drain()]);
    // The last word is that of a signal that has come meanwhile.
    await new Promise(setImmediate);
    if (this.stopSignals > 0) return "it is stopping";
    let executable: number | null = null;
    try {
      executable = openOwnExecutable();
      const handoff = this.makeHandoff(by, executable, standIn);
      if (handoff === null) return "no proxy process serves";
      executeSuccessor(handoff);
    } catch (error) {
      if (executable !== null) closeSync(executable);
      this.service.ready();
      return `${program[0]} cannot be executed: ${(error as Error).message}`;
    }
  }

  /** All that is open now, and how things stand; null: no proxy process serves. */
  private makeHandoff(by: string, executable: number | null, standIn: OpenProcess | null = null): Handoff | null {
    const { config, world, health, startedWallMs, listeners } = this;
    const { pidfile } = config.global;
    const open = this.host?.open ?? null;
    const pidFd = pidfile === null ? null : pidFileDescriptor(pidfile);
    if (open === null || listeners === null) return null;
    return {
      version: HANDOFF_VERSION,
      pid: process.pid,
      from: `${VERSION} (${COMMIT})`,
      by,
      program: world.upgrade.program,
      hangupIgnored: world.upgrade.hangupIgnored,
      failure: null,
      executable,
      config,
      listeners: listeners.open,
      admin: listeners.openAdmin,
      pidFile: pidfile === null || pidFd === null ? null : { path: pidfile, fd: pidFd },
      ...open,
      standIn,
      health,
      startedWallMs,
      vrrp: this.virtualIps?.handOver() ?? null,
    };
  }

  /** The proxy process of this program does not come up: the former program gets its place back. */
  private onSuccessorFailed(reason: string): void {
    const { handoff } = this;
    const failure = `the proxy process of ${VERSION} (${COMMIT}) cannot serve: ${reason}`;
    const now = handoff && this.makeHandoff(handoff.by, handoff.executable);
    try {
      if (handoff === null || now === null) throw new Error("its proxy process is gone as well");
      const { config, pidFile, program, from } = handoff;
      rollBack({ ...now, config, pidFile, program, from }, failure);
    } catch (error) {
      this.tell(Level.alert, `${failure}; the former program cannot go on: ${(error as Error).message}`);
      this.host?.startAnew(failure);
    }
  }

  private takenOver(): void {
    this.handoff = null;
    this.takenResolve();
  }

  /** The new proxy process serves: what was only kept to go back is let go. */
  private upgraded({ by, from, executable, pidFile }: Handoff, pid: number): void {
    this.takenOver();
    if (executable !== null) closeSync(executable);
    this.listeners?.closeLeftOver();
    if (pidFile !== null && pidFile.path !== this.config.global.pidfile)
      keepPidFile(pidFile.path, pidFile.fd, process.pid)();
    this.say(
      `${by}: upgraded from ${from} to ${VERSION} (${COMMIT}): proxy process ${pid} is serving, the former one finishes its connections`,
    );
    this.service.ready();
  }

  /** A signal to stop: the first drains, within `hard_stop_after`; any further one ends everything at once. */
  stop(signal: string): void {
    this.stopSignals++;
    if (this.stopSignals > 1) {
      this.say(`${signal} again: closing all connections now`);
      this.host?.end();
      this.killAfter(STOP_GRACE_MS);
      return;
    }
    const { hardStopAfterMs } = this.config.global;
    this.say(
      `${signal}: stopping; connections may finish for ${hardStopAfterMs / 1000} s (send it again to end them now)`,
    );
    this.service.stopping(hardStopAfterMs + 2 * STOP_GRACE_MS);
    // First of all: clients of the virtual IPs go to another host before this one refuses them.
    this.lastWords = this.virtualIps?.stop() ?? null;
    this.virtualIps = null;
    this.listeners?.closeListens();
    this.killAfter(hardStopAfterMs + STOP_GRACE_MS);
    this.host?.stop();
  }

  /** Reads the configuration again and applies it in place, wholly or not at all; what came of it. */
  async reload(by: string): Promise<ReloadOutcome> {
    if (this.stopSignals > 0) return { ok: false, lines: ["nothing changes: it is stopping"] };
    // While another program takes our place there are two proxy processes; and it reads the file as well.
    await this.upgrading;
    await this.taken;
    this.service.reloading();
    const outcome = await this.reloader.reload(by);
    if (this.everReady) this.service.ready();
    return outcome;
  }

  private makeReloader(): Reloader {
    return new Reloader({
      path: this.world.reload.path,
      load: () => this.world.reload.load(),
      running: () => this.config,
      listeners: () => (this.stopSignals > 0 ? null : this.listeners),
      limits: (config) => {
        const maxconn = this.fitFileLimit(config);
        return { maxconn, files: filesNeeded(config, maxconn) };
      },
      apply: async (terms, files, next) => await (this.host as ProxyHost).reload(terms, files, next),
      isProxyRunning: () => this.host?.isRunning === true,
      virtualIps: (vrrp) => this.changeVirtualIps(vrrp),
      adopt: (config) => this.adopt(config),
      settled: () => this.socketsClosed(),
      tell: (level, text) => this.tell(level, text),
    });
  }

  private adopt(config: Config): void {
    const { clock, stdout, stderr } = this.world;
    if (!isDeepStrictEqual(this.config.logs, config.logs)) {
      this.logger.close();
      this.logger = openLogger(config.logs, process.pid, clock, { stdout, stderr });
    }
    this.config = config;
    // A signal to stop may have come while the proxy process took it over.
    if (this.stopSignals > 0) this.listeners?.closeListens();
  }

  private changeVirtualIps(vrrp: VrrpConfig | null): string {
    const { virtualIps } = this;
    if (vrrp === null) {
      this.virtualIps = null;
      void virtualIps?.disband();
      this.host?.showVrrp(null);
      return "[vrrp] removed: this host owns no virtual IP any more";
    }
    if (virtualIps === null) {
      this.startVirtualIps(vrrp);
      return "[vrrp] added";
    }
    const changes = virtualIps.reload(vrrp);
    return changes.length === 0 ? "no instance changed" : changes.join("; ");
  }

  /** Sockets of an earlier reload may still be served, and must be gone before their addresses can be bound again. */
  private async socketsClosed(): Promise<void> {
    const { clock } = this.world;
    const deadlineMs = clock.nowMs() + CLOSING_MS;
    while (this.listeners?.isClosing === true && clock.nowMs() < deadlineMs)
      await new Promise<void>((resolve) => void clock.after(LOOK_MS, resolve));
  }

  private async order(what: SupervisorOrder, answer: (text: string) => void): Promise<void> {
    switch (what) {
      case "reload": {
        const { ok, lines } = await this.reload("ctl reload");
        answer(`${ok ? "" : "Failed: "}${lines.join("\n")}\n`);
        return;
      }
      case "upgrade":
        answer(`Failed: ${await this.upgrade("ctl upgrade")}\n`);
        return;
      default:
        assertNever(what);
    }
  }

  private startVirtualIps(vrrp: VrrpConfig, handoff: VrrpHandoff | null = null): void {
    const { proxyWatch, world } = this;
    try {
      this.virtualIps = new VirtualIps(vrrp, {
        clock: world.clock,
        health: serviceHealth(proxyWatch, () => this.everReady),
        log: (level, text) => this.logger.log(level, text),
        show: (snapshot) => {
          this.vrrp = { snapshot, receivedMs: world.clock.nowMs() };
          this.host?.showVrrp(snapshot);
          this.service.changed();
        },
        handoff,
      });
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      throw new UserError(`cannot watch the network interfaces: ${error.message}`, EXIT_FAILED);
    }
  }

  private killAfter(delayMs: number): void {
    this.world.clock.after(delayMs, () => {
      this.tell(Level.alert, "the proxy process does not end: killing it");
      this.host?.kill();
    });
  }

  private onReady(pid: number): void {
    const { config, world } = this;
    this.virtualIps?.show();
    if (this.handoff !== null) {
      this.upgraded(this.handoff, pid);
      return;
    }
    if (this.everReady) {
      this.say(`proxy process ${pid} is serving again`);
      return;
    }
    this.everReady = true;
    this.say(
      `${VERSION} ready: ${describeBinds(config)}${describePage(config)}; ${config.global.threads} relay threads, proxy pid ${pid}, admin socket ${world.adminSocket}`,
    );
    releaseStartupPagesSoon(world.clock);
    this.service.ready();
    world.onReady();
  }

  private onStopped(failure: string | null): void {
    if (failure !== null) this.tell(Level.alert, `proxy process ended unexpectedly while it stopped (${failure})`);
    this.finish(failure === null ? EXIT_OK : EXIT_FAILED);
  }

  private onCrash(reason: string, delayMs: number, crashes: number, restarts: number): void {
    const { world } = this;
    this.proxyWatch.ended(reason);
    this.listeners?.closeLeft();
    if (!this.everReady) {
      world.stderr.write(`haproxy-lite: the proxy process cannot start: ${reason}`);
      this.host?.kill();
      this.finish(EXIT_FAILED);
      return;
    }
    const text = `proxy process ended unexpectedly (${reason}); the next one starts ${delayMs === 0 ? "now" : `in ${delayMs} ms`}, clients wait meanwhile`;
    this.tell(Level.alert, text);
    if (this.listeners !== null && this.stopSignals === 0)
      this.crashDesk.open(this.listeners.admin, { reason, delayMs, crashes, restarts });
  }

  private finish(code: number): void {
    this.lastWords ??= this.virtualIps?.stop() ?? null;
    this.virtualIps = null;
    this.proxyWatch.ended("stopped");
    this.crashDesk.close();
    this.listeners?.close();
    this.listeners = null;
    this.removePidFile?.();
    this.removePidFile = null;
    void (this.lastWords ?? Promise.resolve()).then(() => {
      this.service.close();
      this.logger.close();
      this.end(code);
    });
  }

  private serviceState(): ServiceState {
    const { ok, detail } = this.proxyWatch.state();
    const stopping = this.stopSignals > 0;
    const line = statusLine({
      trouble: ok || stopping ? "" : detail,
      listens: this.health?.listens ?? [],
      vrrp: this.virtualIps === null || this.vrrp === null ? null : this.vrrp.snapshot,
    });
    // A proxy process that drains is on its way out: only we are still needed to see to that.
    return {
      well: ok || stopping,
      health: stopping ? `stopping: ${line}` : line,
      connections: this.health?.connections ?? null,
    };
  }

  /** Raises the file limit to what maxconn needs, or lowers maxconn to what it allows, and says so. */
  private fitFileLimit(config: Config): number {
    const { maxconn } = config.global;
    const wanted = filesNeeded(config, maxconn);
    const files = raiseFileLimit(wanted);
    if (files >= wanted) return maxconn;
    const fitting = maxconnWithin(config, files);
    if (fitting < 1) {
      throw new UserError(
        `the open file limit is ${files}, too low to serve even one connection\n  raise it (ulimit -n, LimitNOFILE=)`,
        EXIT_FAILED,
      );
    }
    this.warn(
      `maxconn lowered from ${maxconn} to ${fitting}: ${maxconn} connections need ${wanted} open files and the limit is ${files} (ulimit -n, LimitNOFILE=)`,
    );
    return fitting;
  }

  private writePid(): void {
    const { pidfile } = this.config.global;
    if (pidfile === null) return;
    const kept = this.handoff?.pidFile ?? null;
    try {
      this.removePidFile =
        kept?.path === pidfile ? keepPidFile(pidfile, kept.fd, process.pid) : claimPidFile(pidfile, process.pid);
    } catch (error) {
      if (error instanceof PidFileHeld) {
        throw new UserError(
          `another instance is running${error.pid === null ? "" : ` with pid ${error.pid}`}: it holds ${pidfile}\n  stop it first, or give [global] pidfile another path`,
          EXIT_FAILED,
        );
      }
      throw new UserError(`cannot write [global] pidfile: ${(error as Error).message}`, EXIT_FAILED);
    }
  }

  private say(text: string): void {
    this.tell(Level.notice, text);
  }

  private warn(text: string): void {
    this.tell(Level.warning, text);
  }

  /** To the log, and to whoever started us unless the log is what they see. */
  private tell(level: Level, text: string): void {
    this.logger.log(level, text);
    const shown = this.config.logs.some(
      (log) => log.level >= level && (log.target.kind === "stdout" || log.target.kind === "stderr"),
    );
    if (!shown) this.world.stderr.write(`haproxy-lite: ${text}`);
  }
}

/** Before the first proxy process serves, nothing is known of it; after that, one that does not serve has failed. */
function serviceHealth(watch: ProxyWatch, everReady: () => boolean): ServiceHealth {
  return {
    proxy() {
      const { ok, detail } = watch.state();
      return { state: ok ? "ok" : everReady() ? "failed" : "unknown", detail };
    },
    listen: (name) => watch.listen(name),
  };
}

/** What we listen on, short enough for one datagram. */
function describeBinds({ listens }: Config): string {
  const binds = listens.flatMap(({ name, binds }) => binds.map((bind) => `${name} on ${formatEndpoint(bind)}`));
  return binds.length <= NAMED_BINDS ? binds.join(", ") : `${listens.length} listens on ${binds.length} addresses`;
}

/** Where the status page is, as one types it into a browser. */
function describePage({ stats }: Config): string {
  const [bind] = stats?.binds ?? [];
  if (stats === null || bind === undefined) return "";
  if (bind.kind === "unix") return `; status page ${stats.uri} on ${formatEndpoint(bind)}`;
  const isAnywhere = bind.host === "0.0.0.0" || bind.host === "::";
  const place = isAnywhere ? `${hostname()}:${bind.port}` : formatEndpoint(bind);
  return `; status page http://${place}${stats.uri}`;
}
