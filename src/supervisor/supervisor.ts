import { filesNeeded } from "../config/fileBudget.ts";
import type { LoadedFile } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import { assertNever } from "../core/errors.ts";
import { Level } from "../core/syslogCodes.ts";
import type { StandardStream } from "../net/standardStreams.ts";
import { releaseStartupPagesSoon } from "../net/startupPages.ts";
import type { HealthReport, SupervisorOrder } from "../proxy/protocol.ts";
import { Chronicle } from "./chronicle.ts";
import { CrashDesk } from "./crashDesk.ts";
import { fitFileLimit } from "./fileLimit.ts";
import { handedIn } from "./handedIn.ts";
import type { Handoff } from "./handoff.ts";
import { BoundListeners } from "./listeners.ts";
import { ownPidFile } from "./ownPidFile.ts";
import { preflight } from "./preflight.ts";
import { ProxyHost, type ProxyTerms } from "./proxyHost.ts";
import { PROXY_HUNG_MS, PROXY_LATE_MS, ProxyWatch } from "./proxyWatch.ts";
import { readyLine } from "./readyLine.ts";
import { reloadEvents } from "./reloadEvents.ts";
import { Reloader, type ReloadOutcome } from "./reloader.ts";
import { SdNotify, type ServiceState } from "./sdNotify.ts";
import type { SteeringSignals } from "./signals.ts";
import { statusLine } from "./statusLine.ts";
import { Takeover } from "./takeover.ts";
import { Upgrader } from "./upgrader.ts";
import { Voice } from "./voice.ts";
import { VrrpHost } from "./vrrpHost.ts";
import type { OrderOutcome } from "./vrrpOrders.ts";

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
  /** Command line of the program on disk, and why it must not take our place; null: it may. */
  upgrade: { readonly program: readonly string[]; readonly fixed: string | null };
  signals: Pick<SteeringSignals, "hold" | "hangupIgnored">;
  /** The first proxy process serves. */
  onReady(): void;
}

const EXIT_OK = 0;
const EXIT_FAILED = 1;
/** Longest wait at start for addresses that a killed predecessor's proxy process is letting go. */
const HANDOVER_MS = 1000;
/** A proxy process that has not exited this long after it should have is ended. */
const STOP_GRACE_MS = 2000;
/** A reload waits so long for the sockets of the one before it to be closed, and looks this often. */
const CLOSING_MS = 2000;
const LOOK_MS = 20;
const STOPPING = "it is stopping";

/**
 * The small, quiet, privileged process: binds, starts the proxy process and keeps it running, stops it on demand. Carries
 * no traffic. It ends with `finished`.
 */
export class Supervisor {
  /** Exit status, once everything has stopped. */
  readonly finished: Promise<number>;
  private end!: (code: number) => void;
  private host: ProxyHost | null = null;
  private listeners: BoundListeners | null = null;
  private removePidFile: (() => void) | null = null;
  private everReady = false;
  private stopSignals = 0;
  private readonly stopped = new AbortController();
  /** Of the program that was here before; null: nobody was. */
  private takeover: Takeover | null = null;
  private startedWallMs: number;
  private readonly chronicle: Chronicle;
  private readonly voice: Voice;
  private readonly vrrp: VrrpHost;
  private readonly proxyWatch: ProxyWatch;
  private readonly reloader: Reloader;
  private readonly upgrader: Upgrader;
  private readonly crashDesk: CrashDesk;
  private readonly service: SdNotify;
  /** The latest of what the service manager is told about. */
  private health: HealthReport | null = null;

  constructor(
    private config: Config,
    private readonly world: SupervisorWorld,
  ) {
    this.finished = new Promise((resolve) => {
      this.end = resolve;
    });
    this.startedWallMs = world.clock.wallMs();
    this.chronicle = new Chronicle(world.clock, (event) => this.host?.showEvent(event));
    this.voice = new Voice(config.logs, world, this.chronicle);
    this.proxyWatch = new ProxyWatch(
      world.clock,
      PROXY_LATE_MS,
      () => this.proxyChanged(),
      () => this.proxyHangs(),
    );
    this.crashDesk = new CrashDesk(world.clock, this.startedWallMs, () => ({
      config: this.config,
      vrrp: this.vrrp.view,
      events: this.chronicle.events,
    }));
    this.service = SdNotify.fromEnvironment(process.env, process.pid, world.clock, () => this.serviceState());
    this.vrrp = new VrrpHost({
      clock: world.clock,
      health: this.proxyWatch.health(() => this.everReady),
      log: (level, text) => this.voice.log(level, text),
      note: (level, text, happening) => this.chronicle.note(level, text, happening),
      show: (snapshot) => {
        this.host?.showVrrp(snapshot);
        this.service.changed();
      },
    });
    this.reloader = this.makeReloader();
    this.upgrader = this.makeUpgrader();
  }

  /**
   * Binds everything and starts the proxy process; throws UserError when that cannot be. With the handoff of the program
   * that was here before, goes on with what is open: then nothing is closed when it throws.
   */
  start(handoff: Handoff | null = null): void {
    if (handoff !== null) this.startedWallMs = handoff.startedWallMs;
    this.chronicle.recall(handoff?.journal ?? []);
    const { config, world } = this;
    const terms = preflight(config, world.uid, (text) => this.voice.warn(text));
    // First, so that a second start is told about the first one rather than about its ports.
    this.removePidFile = ownPidFile(config.global.pidfile, handoff?.pidFile ?? null);
    try {
      this.listeners =
        handoff === null
          ? BoundListeners.bindPatiently(config, world.adminSocket, HANDOVER_MS, handedIn(config))
          : BoundListeners.bind(config, world.adminSocket, [...handoff.listeners, handoff.admin]);
    } catch (error) {
      if (handoff === null) this.removePidFile?.();
      else this.closeBeside(handoff);
      throw error;
    }
    const host = this.makeHost(this.listeners, { ...terms, config, startedWallMs: this.startedWallMs });
    this.host = host;
    this.takeover = handoff === null ? null : this.takeOver(handoff, host, this.listeners);
    try {
      if (config.vrrp !== null) this.vrrp.start(config.vrrp, handoff?.vrrp);
    } catch (error) {
      if (handoff === null) {
        this.removePidFile?.();
        this.listeners.close();
      } else this.closeBeside(handoff);
      throw error;
    }
    if (this.takeover === null) host.start();
    else this.takeover.goOn();
  }

  private makeHost(listeners: BoundListeners, terms: ProxyTerms): ProxyHost {
    const { clock, proxyCommand, proxyName } = this.world;
    return new ProxyHost({ command: proxyCommand, name: proxyName }, terms, listeners, clock, {
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
      events: () => this.chronicle.events,
      onEvent: (event) => this.chronicle.told(event),
      onBindClosed: (bind) => this.listeners?.closeBind(bind),
      onOrder: (what, answer) => void this.order(what, answer),
      onCrash: (reason, delayMs, crashes, restarts) => this.onCrash(reason, delayMs, crashes, restarts),
      onAdoptedCrash: (reason) => {
        this.proxyWatch.ended(reason);
        const text = `proxy process ended unexpectedly (${reason}); the one of this version is starting, clients wait meanwhile`;
        this.voice.tell(Level.alert, text, { change: "crash" });
      },
      onSuccessorFailed: (reason) => void this.takeover?.failed(reason),
      onStopped: (failure) => this.onStopped(failure),
    });
  }

  private closeBeside({ pidFile }: Handoff): void {
    this.listeners?.closeBeside();
    if (pidFile?.path !== this.config.global.pidfile) this.removePidFile?.();
  }

  private takeOver(handoff: Handoff, host: ProxyHost, listeners: BoundListeners): Takeover {
    const { reloader, service, voice, world } = this;
    const takeover = new Takeover(handoff, {
      clock: world.clock,
      self: this.self,
      signals: world.signals,
      stopped: this.stopped.signal,
      reloader,
      service,
      voice,
      host,
      listeners,
      vrrp: this.vrrp,
      pidfile: this.config.global.pidfile,
      closeBeside: () => this.closeBeside(handoff),
      open: (standIn) => this.upgrader.handoff(handoff.by, handoff.executable, standIn),
      reload: (by) => void this.reload(by),
    });
    this.everReady = true;
    takeover.adopt();
    if (handoff.health !== null) {
      this.health = handoff.health;
      this.proxyWatch.reported(handoff.health);
    }
    return takeover;
  }

  /** A signal to stop: the first drains, within `hard_stop_after`; any further one ends everything at once. */
  stop(signal: string): void {
    this.stopSignals++;
    if (this.stopSignals > 1) {
      this.voice.say(`${signal} again: closing all connections now`, "stop");
      this.host?.end();
      this.killAfter(STOP_GRACE_MS);
      return;
    }
    const { hardStopAfterMs } = this.config.global;
    this.voice.say(
      `${signal}: stopping; connections may finish for ${hardStopAfterMs / 1000} s (send it again to end them now)`,
      "stop",
    );
    this.service.stopping(hardStopAfterMs + 2 * STOP_GRACE_MS);
    // Before the farewell of the virtual IPs: nobody may send adverts after that.
    this.stopped.abort();
    // First of all: clients of the virtual IPs go to another host before this one refuses them.
    void this.vrrp.stop();
    this.takeover?.stop();
    this.listeners?.closeListens();
    this.killAfter(hardStopAfterMs + STOP_GRACE_MS);
    this.host?.stop();
  }

  private proxyChanged(): void {
    const { silentSinceMs } = this.proxyWatch;
    if (silentSinceMs !== null && this.stopSignals === 0)
      this.voice.tell(Level.alert, `the proxy process hangs: ${this.proxyWatch.state().detail}`, { change: "hang" });
    this.vrrp.healthChanged();
    this.service.changed();
    if (silentSinceMs === null) this.crashDesk.closeHang();
    else if (this.listeners !== null && this.stopSignals === 0)
      this.crashDesk.open(this.listeners.desk, {
        kind: "hang",
        sinceMs: silentSinceMs,
        restarts: this.host?.open?.restarts ?? 0,
      });
  }

  private proxyHangs(): void {
    if (this.stopSignals > 0) return;
    this.host?.replaceHung(`no sign of life for ${PROXY_HUNG_MS / 1000} s`);
  }

  /** Reads the configuration again and applies it in place, wholly or not at all; what came of it. */
  async reload(by: string): Promise<ReloadOutcome> {
    if (this.stopped.signal.aborted) return { ok: false, lines: [`nothing changes: ${STOPPING}`] };
    return await this.reloader.reload(by);
  }

  /** Executes the program on disk in our place; see {@link Upgrader.upgrade}. */
  async upgrade(by: string): Promise<string> {
    return await this.upgrader.upgrade(by);
  }

  /** Command line that runs this very program. */
  private get self(): readonly string[] {
    return this.world.proxyCommand.slice(0, -1);
  }

  private makeUpgrader(): Upgrader {
    const { reloader, service, voice, vrrp, world } = this;
    return new Upgrader({
      clock: world.clock,
      ...world.upgrade,
      file: world.reload.path,
      self: this.self,
      signals: world.signals,
      stopped: this.stopped.signal,
      reloader,
      service,
      voice,
      vrrp,
      problem: () => this.upgradeProblem(),
      settled: () => this.socketsClosed(),
      host: () => this.host,
      standing: () => {
        const { config, health, listeners, startedWallMs } = this;
        if (listeners === null) return null;
        return {
          config,
          health,
          startedWallMs,
          listeners: listeners.open,
          admin: listeners.openAdmin,
          journal: this.chronicle.events,
        };
      },
    });
  }

  private upgradeProblem(): string | null {
    if (this.takeover?.isOver === false) return "another one is under way";
    return this.everReady ? null : "the proxy process is still starting";
  }

  private makeReloader(): Reloader {
    return new Reloader({
      path: this.world.reload.path,
      load: () => this.world.reload.load(),
      running: () => this.config,
      listeners: () => (this.stopSignals > 0 ? null : this.listeners),
      limits: (config) => {
        const maxconn = fitFileLimit(config, (text) => this.voice.warn(text));
        return { maxconn, files: filesNeeded(config, maxconn) };
      },
      apply: async (terms, files, next) => await (this.host as ProxyHost).reload(terms, files, next),
      isProxyRunning: () => this.host?.isRunning === true,
      virtualIps: (vrrp) => this.vrrp.change(vrrp),
      adopt: (config) => this.adopt(config),
      settled: () => this.socketsClosed(),
      tell: (level, text) => this.voice.tell(level, text, null),
      done: (by, plan, outcome) => {
        for (const { level, text, happening } of reloadEvents(by, plan, outcome))
          this.chronicle.note(level, text, happening);
      },
      began: () => this.service.reloading(),
      ended: () => {
        if (this.everReady) this.service.ready();
      },
    });
  }

  private adopt(config: Config): void {
    this.voice.reopen(config.logs);
    this.config = config;
    // A signal to stop may have come while the proxy process took it over.
    if (this.stopSignals > 0) this.listeners?.closeListens();
  }

  /** Sockets of an earlier reload may still be served, and must be gone before their addresses can be bound again. */
  private async socketsClosed(): Promise<void> {
    const { clock } = this.world;
    const deadlineMs = clock.nowMs() + CLOSING_MS;
    while (this.listeners?.isClosing === true && clock.nowMs() < deadlineMs)
      await new Promise<void>((resolve) => void clock.after(LOOK_MS, resolve));
  }

  private async order(what: SupervisorOrder, answer: (text: string) => void): Promise<void> {
    const outcome = ({ ok, lines }: ReloadOutcome | OrderOutcome) =>
      answer(`${ok ? "" : "Failed: "}${lines.join("\n")}\n`);
    if (typeof what === "object") {
      outcome(await this.vrrp.order(what));
      return;
    }
    switch (what) {
      case "reload":
        outcome(await this.reload("ctl reload"));
        return;
      case "upgrade":
        answer(`Failed: ${await this.upgrade("ctl upgrade")}\n`);
        return;
      default:
        assertNever(what);
    }
  }

  private killAfter(delayMs: number): void {
    this.world.clock.after(delayMs, () => {
      this.voice.tell(Level.alert, "the proxy process does not end: killing it", { change: "stop" });
      this.host?.kill();
    });
  }

  private onReady(pid: number): void {
    const { config, world } = this;
    this.vrrp.show();
    if (this.takeover?.isOver === false) {
      this.takeover.succeeded(pid);
      return;
    }
    if (this.everReady) {
      this.voice.say(`proxy process ${pid} is serving again`, "serving");
      return;
    }
    this.everReady = true;
    this.voice.say(readyLine(config, pid, world.adminSocket), "start");
    releaseStartupPagesSoon(world.clock);
    this.service.ready();
    world.onReady();
  }

  private onStopped(failure: string | null): void {
    if (failure !== null)
      this.voice.tell(Level.alert, `proxy process ended unexpectedly while it stopped (${failure})`, {
        change: "crash",
      });
    this.finish(failure === null ? EXIT_OK : EXIT_FAILED);
  }

  private onCrash(reason: string, delayMs: number, crashes: number, restarts: number): void {
    const { world } = this;
    const text = `proxy process ended unexpectedly (${reason}); the next one starts ${delayMs === 0 ? "now" : `in ${delayMs} ms`}, clients wait meanwhile`;
    // First of all: what follows from it, such as that virtual IPs move, names it as its cause.
    if (this.everReady) this.voice.tell(Level.alert, text, { change: crashes > 1 ? "crashLoop" : "crash" });
    this.proxyWatch.ended(crashes > 1 ? `${reason}, ${crashes} times in a row` : reason);
    this.listeners?.closeLeft();
    if (!this.everReady) {
      world.stderr.write(`haproxy-lite: the proxy process cannot start: ${reason}`);
      this.host?.kill();
      this.finish(EXIT_FAILED);
      return;
    }
    if (this.listeners !== null && this.stopSignals === 0)
      this.crashDesk.open(this.listeners.desk, { kind: "crash", reason, delayMs, crashes, restarts });
  }

  private finish(code: number): void {
    const lastWords = this.vrrp.stop();
    this.proxyWatch.ended("stopped");
    this.crashDesk.close();
    this.listeners?.close();
    this.listeners = null;
    this.removePidFile?.();
    this.removePidFile = null;
    void lastWords.then(() => {
      this.service.close();
      this.voice.close();
      this.end(code);
    });
  }

  private serviceState(): ServiceState {
    const { ok, detail } = this.proxyWatch.state();
    const stopping = this.stopSignals > 0;
    const line = statusLine({
      trouble: ok || stopping ? "" : detail,
      listens: this.health?.listens ?? [],
      vrrp: this.vrrp.view?.snapshot ?? null,
    });
    // A proxy process that drains is on its way out: only we are still needed to see to that.
    return {
      well: ok || stopping || this.proxyWatch.isBetween,
      health: stopping ? `stopping: ${line}` : line,
      connections: this.health?.connections ?? null,
    };
  }
}
