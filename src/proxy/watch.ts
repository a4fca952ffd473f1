import type { Clock } from "../core/clock.ts";
import { formatEndpoint } from "../core/endpoint.ts";
import { Level } from "../core/syslogCodes.ts";
import type { LogEvent } from "../log/events.ts";
import { Once } from "../log/once.ts";
import { ListenCounter } from "../pool/layout.ts";
import type { Pool } from "../pool/pool.ts";
import type { ProcessBoard } from "../pool/processBoard.ts";

const REARM_MS = 60_000;
/** Share of the source ports to one server address at which the warning comes. */
const PORTS_WARN = 0.8;

/** What each kind of shortage means and what helps. */
const HINTS: Readonly<Record<string, string>> = {
  EMFILE: "this process has no file descriptors left: raise LimitNOFILE / ulimit -n, or lower [global] maxconn",
  ENFILE: "the whole system has no file descriptors left: raise fs.file-max",
  ENOBUFS: "the kernel has no buffer space: look at net.ipv4.tcp_mem and free memory",
  ENOMEM: "the kernel has no memory for a socket",
  EADDRNOTAVAIL:
    "no free source port (or the source address is not this host's): give the server several `source` addresses, or widen net.ipv4.ip_local_port_range",
  EADDRINUSE: "no free source port: give the server several `source` addresses, or widen net.ipv4.ip_local_port_range",
};

/** Looks at the scoreboard once a second and says, once a minute and cause, what is running out. */
export class ShortageWatch {
  private readonly once: Once;
  private readonly pausesSeen = new Map<string, number>();
  private readonly ownPausesSeen = new Map<string, number>();

  constructor(
    private readonly pools: ReadonlyMap<string, Pool>,
    private readonly board: ProcessBoard,
    /** Ports that the kernel gives to outgoing connections; null: unknown, and nothing is said about them. */
    private readonly sourcePorts: { low: number; high: number } | null,
    clock: Clock,
    /** @param listen which has it; null: all of them may have it */
    private readonly log: (event: LogEvent, listen: string | null) => void,
  ) {
    this.once = new Once(clock, REARM_MS);
  }

  /** A relay thread lacked something when it dialled a server. */
  shortage(listen: string, server: string, errno: string): void {
    this.lacking(`Connect() failed for server ${listen}/${server}`, errno, listen);
  }

  /** A relay thread could not go on accepting. */
  acceptShortage(listen: string, errno: string): void {
    this.lacking(`Proxy ${listen} cannot accept`, errno, listen);
  }

  private lacking(what: string, errno: string, listen: string): void {
    this.once.logOnce(`${what} ${errno}`, (unsaid) => {
      const more = unsaid > 0 ? ` (${unsaid} more since the last line)` : "";
      this.warn(`${what}: ${errno}, ${HINTS[errno] ?? "a shortage of ours"}${more}.`, listen);
    });
  }

  /** Call once a second. */
  look(): void {
    for (const [name, pool] of this.pools) this.lookAtLimits(name, pool);
    this.lookAtPorts();
  }

  /** Connections to each server address, and how many source ports there are for them. */
  portUse(): { address: string; used: number; available: number }[] {
    const byAddress = new Map<string, { used: number; available: number }>();
    if (this.sourcePorts === null) return [];
    const range = this.sourcePorts.high - this.sourcePorts.low + 1;
    for (const pool of this.pools.values()) {
      for (const { slot, config } of pool.servers) {
        if (config.address.kind === "unix") continue;
        const address = formatEndpoint(config.address);
        const use = byAddress.get(address) ?? { used: 0, available: 0 };
        use.used += pool.board.served(slot);
        use.available = Math.max(use.available, range * Math.max(1, config.source.length));
        byAddress.set(address, use);
      }
    }
    return Array.from(byAddress, ([address, use]) => ({ address, ...use }));
  }

  private lookAtLimits(name: string, pool: Pool): void {
    const pauses = pool.board.sum(ListenCounter.acceptPauses);
    const before = this.pausesSeen.get(name) ?? 0;
    this.pausesSeen.set(name, pauses);
    if (pauses === before) return;
    const own = pool.board.sum(ListenCounter.ownLimitPauses);
    const ownBefore = this.ownPausesSeen.get(name) ?? 0;
    this.ownPausesSeen.set(name, own);
    const reached = own > ownBefore ? `its maxconn ${pool.config.maxconn}` : `the global maxconn ${this.board.maxconn}`;
    this.once.logOnce(`full ${name}`, () =>
      this.warn(
        `Proxy ${name} has reached ${reached}: further clients wait in the kernel's queue until a connection ends.`,
        name,
      ),
    );
  }

  private lookAtPorts(): void {
    for (const { address, used, available } of this.portUse()) {
      if (used < PORTS_WARN * available) continue;
      this.once.logOnce(`ports ${address}`, () =>
        this.warn(
          `${used} of ${available} source ports to ${address} are in use. Before they run out: ${HINTS.EADDRNOTAVAIL}.`,
          null,
        ),
      );
    }
  }

  private warn(text: string, listen: string | null): void {
    this.log({ level: Level.warning, text }, listen);
  }
}
