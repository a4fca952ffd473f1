import type { Clock } from "../core/clock.ts";
import { DatagramSocket } from "../net/datagram.ts";
import { monotonicMicros } from "../net/monotonic.ts";
import { encodeSockaddr } from "../net/sockaddr.ts";

/** Looks, in each half of the watchdog's time, for a state that had kept us from answering. */
const LOOKS = 8;
/** A status that only counts differently is told this often. */
const STATUS_MS = 10_000;

/** What a service manager wants to know of us, now. */
export interface ServiceState {
  /** Whether everything works that a restart could mend. */
  readonly well: boolean;
  /** How things stand, in one line; told at once when it changes but for its numbers of connections. */
  readonly health: string;
  readonly connections: number | null;
}

type Phase = "starting" | "ready" | "stopping";

/**
 * Tells the service manager how we stand, by sd_notify(3): one datagram to the socket that NOTIFY_SOCKET names. Harmless
 * where nobody has asked. The watchdog is fed at half of its time, and only while all is well.
 */
export class SdNotify {
  private phase: Phase = "starting";
  private told = "";
  private toldConnections: number | null = null;
  private toldMs = Number.NEGATIVE_INFINITY;
  private cancelWatchdog: (() => void) | null = null;

  private constructor(
    private readonly socket: DatagramSocket | null,
    /** null: no watchdog waits for this process. */
    private readonly watchdogMs: number | null,
    private readonly clock: Clock,
    private readonly state: () => ServiceState,
  ) {}

  /** @param pid our own; a watchdog that waits for another process is not fed */
  static fromEnvironment(
    env: Readonly<Record<string, string | undefined>>,
    pid: number,
    clock: Clock,
    state: () => ServiceState,
  ): SdNotify {
    return new SdNotify(openSocket(env.NOTIFY_SOCKET), watchdogMs(env, pid), clock, state);
  }

  /** Serving; also the end of {@link reloading}. */
  ready(): void {
    if (this.phase === "stopping") return;
    const first = this.phase === "starting";
    this.phase = "ready";
    this.send(["READY=1", `MAINPID=${process.pid}`, this.status()]);
    if (first) this.watch();
  }

  /** Another program in this very process has been serving, and said so: goes on from there, without a word. */
  resume(): void {
    if (this.phase !== "starting") return;
    this.phase = "ready";
    this.watch();
  }

  /** The configuration is being read and applied; to be followed by {@link ready}. */
  reloading(): void {
    if (this.phase === "ready") this.send(["RELOADING=1", `MONOTONIC_USEC=${monotonicMicros()}`]);
  }

  /**
   * No new clients from here on; the process ends when the last one has gone, at the latest after so many ms: the service
   * manager is asked to wait that long, whatever its own limit for stopping is.
   */
  stopping(longestMs: number): void {
    if (this.phase === "stopping") return;
    this.phase = "stopping";
    this.send(["STOPPING=1", `EXTEND_TIMEOUT_USEC=${longestMs * 1000}`, this.status()]);
  }

  /** Something may stand otherwise than before: tells the status if so. */
  changed(): void {
    if (this.socket === null || this.phase !== "ready") return;
    const { health, connections } = this.state();
    const due = this.clock.nowMs() - this.toldMs >= STATUS_MS;
    if (health !== this.told || (due && connections !== this.toldConnections)) this.send([this.status()]);
  }

  /** Says nothing more. */
  close(): void {
    this.cancelWatchdog?.();
    this.cancelWatchdog = null;
    this.socket?.close();
  }

  private watch(): void {
    if (this.watchdogMs === null || this.socket === null) return;
    const halfMs = this.watchdogMs / 2;
    const fed = this.state().well;
    if (fed) this.send(["WATCHDOG=1"]);
    this.cancelWatchdog = this.clock.after(fed ? halfMs : halfMs / LOOKS, () => this.watch());
  }

  private status(): string {
    const { health, connections } = this.state();
    this.told = health;
    this.toldConnections = connections;
    this.toldMs = this.clock.nowMs();
    const line = connections === null ? health : `${health}; ${connections} connection${connections === 1 ? "" : "s"}`;
    return `STATUS=${line.replaceAll("\n", " ")}`;
  }

  private send(lines: readonly string[]): void {
    const { socket } = this;
    if (socket === null) return;
    const bytes = new TextEncoder().encode(lines.join("\n"));
    // A manager that was itself re-executed listens on a new socket under the old name.
    if (socket.send(bytes) < 0 && socket.reopen()) socket.send(bytes);
  }
}

/** A path, or "@name" of the abstract namespace; anything else is a transport that we do not speak. */
function openSocket(address: string | undefined): DatagramSocket | null {
  if (address === undefined || !/^[/@]./.test(address)) return null;
  try {
    return new DatagramSocket(encodeSockaddr({ kind: "unix", path: address }));
  } catch {
    return null; // longer than a unix socket's name can be
  }
}

function watchdogMs(env: Readonly<Record<string, string | undefined>>, pid: number): number | null {
  const micros = Number(env.WATCHDOG_USEC);
  if (!Number.isInteger(micros) || micros <= 0) return null;
  return env.WATCHDOG_PID === undefined || env.WATCHDOG_PID === "" || Number(env.WATCHDOG_PID) === pid
    ? micros / 1000
    : null;
}
