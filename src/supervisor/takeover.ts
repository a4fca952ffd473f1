import { closeSync } from "node:fs";
import { Level } from "../core/syslogCodes.ts";
import { COMMIT, VERSION } from "../core/version.ts";
import { libc } from "../net/libc.ts";
import type { Handoff, OpenProcess } from "./handoff.ts";
import type { BoundListeners } from "./listeners.ts";
import { keepPidFile } from "./pidFile.ts";
import type { ProxyHost } from "./proxyHost.ts";
import { dismissStandIn, startStandIn } from "./standIn.ts";
import { reapStrays } from "./strays.ts";
import { canGoBack, rollBack } from "./upgrade.ts";
import type { UpgradeWorld } from "./upgrader.ts";
import type { VrrpHost } from "./vrrpHost.ts";

const SELF = `${VERSION} (${COMMIT})`;

/** What a takeover needs of the supervisor. */
export interface TakeoverWorld
  extends Pick<UpgradeWorld, "clock" | "self" | "reloader" | "service" | "signals" | "stopped" | "voice"> {
  readonly host: ProxyHost;
  readonly listeners: BoundListeners;
  /** Path of the pid file that is ours from now on; null: there is none. */
  readonly pidfile: string | null;
  readonly vrrp: VrrpHost;
  /** All that is open now; null: no proxy process serves. */
  open(standIn: OpenProcess | null): Handoff | null;
  /** Gives up what was opened beside what is the former program's: it goes on without. */
  closeBeside(): void;
  reload(by: string): void;
}

/**
 * Goes on in the place of the program that executed us: its proxy process serves until ours does. If ours does not come up,
 * that program is executed again. Until this is over there is no reload, because there are two proxy processes.
 */
export class Takeover {
  private over = false;
  private readonly resolve: () => void;

  constructor(
    private readonly handoff: Handoff,
    private readonly world: TakeoverWorld,
  ) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.resolve = resolve;
    void world.reloader.exclusively(() => promise);
  }

  get isOver(): boolean {
    return this.over;
  }

  /** The proxy process of the former program serves on: as far as anybody can tell, nothing has happened. */
  adopt(): void {
    const { proxy, retired, standIn } = this.handoff;
    const known = [proxy, ...retired, ...(standIn === null ? [] : [standIn])];
    reapStrays(
      known.map(({ pid }) => pid),
      this.world.clock,
    );
    this.world.host.adopt(this.handoff);
    this.world.service.resume();
  }

  /** We speak for ourselves again, and start a proxy process of our own; or none, if we are the one that was executed again. */
  goOn(): void {
    const { clock, host, service, voice } = this.world;
    const { by, failure, from, reload, standIn } = this.handoff;
    if (standIn !== null) dismissStandIn(standIn, clock);
    if (failure === null) {
      voice.say(`${by}: ${SELF} takes over from ${from}`, "upgrade");
      void host.replace();
      return;
    }
    this.end();
    const text = `upgrade failed: ${failure}; ${SELF} and its proxy process go on`;
    voice.tell(Level.alert, `${by}: ${text}`, { change: "upgradeFailed" });
    host.answerOrders(`Failed: ${text}\n`);
    service.ready();
    if (reload !== null) this.world.reload(reload);
  }

  /** Our proxy process serves: what was only kept to go back is let go. */
  succeeded(pid: number): void {
    const { by, from } = this.handoff;
    const { service, voice } = this.world;
    this.end();
    voice.say(
      `${by}: upgraded from ${from} to ${SELF}: proxy process ${pid} is serving, the former one finishes its connections`,
      "upgrade",
    );
    service.ready();
  }

  /** It all ends: nothing of the former program's is left behind. */
  stop(): void {
    if (!this.over) this.end();
  }

  /** Our proxy process does not come up: the former program gets its place back. */
  async failed(reason: string): Promise<void> {
    const { handoff, world } = this;
    const failure = `the proxy process of ${SELF} cannot serve: ${reason}`;
    // Virtual routers that are new say farewell, and the others are stood in for, as on the way here.
    world.vrrp.keepOnly(new Set(handoff.vrrp?.instances.map(({ name }) => name)));
    const standIn = await startStandIn(world.self, world.vrrp.standIn(), world.clock, world.stopped);
    const release = await world.signals.hold();
    try {
      if (this.over || world.stopped.aborted) return;
      this.goBack(failure, standIn);
    } catch (error) {
      world.voice.tell(Level.alert, `${failure}; the former program cannot go on: ${(error as Error).message}`, {
        change: "upgradeFailed",
      });
      if (world.host.isRunning) this.end();
      world.host.startAnew(failure);
    } finally {
      if (standIn !== null) libc.close(standIn.channel);
      release();
    }
  }

  /** Returns only by throwing. What was left to us is as it was, and what we have opened beside it goes. */
  private goBack(failure: string, standIn: OpenProcess | null): never {
    const { handoff, world } = this;
    const { config, listeners, admin, pidFile, program, from } = handoff;
    if (!canGoBack(handoff)) throw new Error("it cannot be executed any more");
    const now = world.open(standIn);
    if (now === null) throw new Error("its proxy process is gone as well");
    world.closeBeside();
    const reload = now.reload ?? handoff.reload;
    rollBack({ ...now, config, listeners, admin, pidFile, program, from, reload }, failure);
  }

  private end(): void {
    this.over = true;
    this.resolve();
    const { executable, pidFile } = this.handoff;
    if (executable !== null) closeSync(executable);
    this.world.listeners.closeLeftOver();
    if (pidFile !== null && pidFile.path !== this.world.pidfile) keepPidFile(pidFile.path, pidFile.fd, process.pid)();
  }
}
