import { closeSync } from "node:fs";
import type { Clock } from "../core/clock.ts";
import { Level } from "../core/syslogCodes.ts";
import { COMMIT, VERSION } from "../core/version.ts";
import { libc } from "../net/libc.ts";
import { HANDOFF_VERSION, type Handoff, type OpenProcess } from "./handoff.ts";
import { pidFileDescriptor } from "./pidFile.ts";
import type { ProxyHost } from "./proxyHost.ts";
import type { Reloader } from "./reloader.ts";
import type { SdNotify } from "./sdNotify.ts";
import type { SteeringSignals } from "./signals.ts";
import { STAND_IN_SECONDS, startStandIn } from "./standIn.ts";
import { incumbentOf } from "./succession.ts";
import { executeSuccessor, openOwnExecutable, successorProblem } from "./upgrade.ts";
import type { Voice } from "./voice.ts";
import type { VrrpHost } from "./vrrpHost.ts";

const STOPPING = "it is stopping";

/** What an upgrade needs of the supervisor. */
export interface UpgradeWorld {
  readonly clock: Clock;
  /** Command line of the program on disk, and why it must not take our place; null: it may. */
  readonly program: readonly string[];
  readonly fixed: string | null;
  /** Path of the configuration file. */
  readonly file: string;
  /** Command line that runs this very program. */
  readonly self: readonly string[];
  readonly signals: Pick<SteeringSignals, "hold" | "hangupIgnored">;
  readonly voice: Voice;
  readonly service: SdNotify;
  readonly reloader: Reloader;
  readonly vrrp: VrrpHost;
  /** The supervisor stops. */
  readonly stopped: AbortSignal;
  /** Why there can be no upgrade now; null: there can. */
  problem(): string | null;
  /** Resolves when the sockets of an earlier reload are closed, or after a while. */
  settled(): Promise<void>;
  /** null: there is none yet, or none any more. */
  host(): ProxyHost | null;
  /** How things stand beyond the proxy processes; null: nothing is open. */
  standing(): Pick<Handoff, "config" | "listeners" | "admin" | "health" | "startedWallMs" | "journal"> | null;
}

/** Gives this process to the program on disk. */
export class Upgrader {
  private underWay = false;

  constructor(private readonly world: UpgradeWorld) {}

  /**
   * Executes the program on disk in our place, which keeps all that is open; its own proxy process then takes over from
   * ours. Returns only when that cannot be: what is wrong, in words that the log has as well.
   *
   * @param by who orders it, for the log
   */
  async upgrade(by: string): Promise<string> {
    const text = `${by}: no upgrade: ${this.problem() ?? (await this.attempt(by))}; nothing changes`;
    this.world.voice.tell(Level.err, text, { change: "upgradeRefused" });
    return text;
  }

  /** All that is open now, and how things stand; null: no proxy process serves. */
  handoff(by: string, executable: number | null, standIn: OpenProcess | null = null): Handoff | null {
    const { program, reloader, signals, vrrp } = this.world;
    const standing = this.world.standing();
    const open = this.world.host()?.open ?? null;
    if (open === null || standing === null) return null;
    const { pidfile } = standing.config.global;
    const pidFd = pidfile === null ? null : pidFileDescriptor(pidfile);
    return {
      version: HANDOFF_VERSION,
      pid: process.pid,
      from: `${VERSION} (${COMMIT})`,
      by,
      program,
      hangupIgnored: signals.hangupIgnored,
      signals: [],
      reload: reloader.orderedBy,
      failure: null,
      executable,
      ...standing,
      pidFile: pidfile === null || pidFd === null ? null : { path: pidfile, fd: pidFd },
      ...open,
      standIn,
      vrrp: vrrp.handOver(standIn === null ? 0 : STAND_IN_SECONDS),
    };
  }

  private problem(): string | null {
    const { fixed, stopped } = this.world;
    if (fixed !== null) return fixed;
    if (stopped.aborted) return STOPPING;
    return this.underWay ? "another one is under way" : this.world.problem();
  }

  /** Returns only when it fails: why. */
  private async attempt(by: string): Promise<string> {
    this.underWay = true;
    try {
      return await this.world.reloader.exclusively(() => this.prepare(by));
    } catch (error) {
      return (error as Error).message;
    } finally {
      this.underWay = false;
    }
  }

  private async prepare(by: string): Promise<string> {
    const { clock, file, program, self, stopped, vrrp } = this.world;
    await this.world.settled();
    if (stopped.aborted) return STOPPING;
    const standing = this.world.standing();
    if (standing === null) return STOPPING;
    const problem = await successorProblem(program, file, incumbentOf(standing.config), clock, stopped);
    if (stopped.aborted) return STOPPING;
    if (problem !== null) return problem;
    if ((await this.world.host()?.handOver()) == null) return "no proxy process answers";
    if (stopped.aborted) return STOPPING;
    const standIn = await startStandIn(self, vrrp.standIn(), clock, stopped);
    try {
      return await this.execute(by, standIn);
    } finally {
      if (standIn !== null) libc.close(standIn.channel);
    }
  }

  private async execute(by: string, standIn: OpenProcess | null): Promise<string> {
    const { program, service, signals, stopped, voice } = this.world;
    voice.say(`${by}: executing ${program.join(" ")}`, "upgrade");
    service.reloading();
    await voice.drain();
    const release = await signals.hold();
    let executable: number | null = null;
    try {
      // The last word is that of a signal that has come meanwhile.
      if (stopped.aborted) return STOPPING;
      executable = openOwnExecutable();
      const handoff = this.handoff(by, executable, standIn);
      if (handoff === null) return "no proxy process serves";
      return executeSuccessor(handoff);
    } catch (error) {
      return `${program[0]} cannot be executed: ${(error as Error).message}`;
    } finally {
      if (executable !== null) closeSync(executable);
      service.ready();
      release();
    }
  }
}
