import type { VrrpConfig } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import { UserError } from "../core/errors.ts";
import type { Level } from "../core/syslogCodes.ts";
import { SystemError } from "../net/libc.ts";
import type { VrrpOrder } from "../proxy/protocol.ts";
import type { ProxyView } from "../stats/view.ts";
import type { VrrpSnapshot } from "../stats/vrrpSnapshot.ts";
import type { VrrpHandoff } from "../vrrp/handoff.ts";
import type { StandInRouter } from "../vrrp/standIn.ts";
import type { ServiceHealth } from "../vrrp/trackerFeed.ts";
import type { Happening } from "./chronicle.ts";
import { VirtualIps } from "./virtualIps.ts";
import type { OrderOutcome } from "./vrrpOrders.ts";

const EXIT_FAILED = 1;

/** What the virtual IPs need, whatever configuration runs. */
export interface VrrpHostWorld {
  readonly clock: Clock;
  readonly health: ServiceHealth;
  log(level: Level, text: string): void;
  /** A line of the log that tells an event. */
  note(level: Level, text: string, happening: Happening): void;
  /** Takes a new snapshot to whoever shows it; null: there are no virtual IPs any more. */
  show(snapshot: VrrpSnapshot | null): void;
}

/** Keeps the virtual IPs of the configuration that runs, which may have none. */
export class VrrpHost {
  private virtualIps: VirtualIps | null = null;
  private shown: ProxyView["vrrp"] = null;
  /** Scripts and mails that the virtual IPs still have to tell of their end. */
  private lastWords: Promise<void> | null = null;

  constructor(private readonly world: VrrpHostWorld) {}

  /** What is shown of them; null: there are none. */
  get view(): ProxyView["vrrp"] {
    return this.virtualIps === null ? null : this.shown;
  }

  /** @param handoff how they stood in the program that was here before. Throws UserError. */
  start(vrrp: VrrpConfig, handoff: VrrpHandoff | null = null): void {
    const { world } = this;
    try {
      this.virtualIps = new VirtualIps(vrrp, {
        clock: world.clock,
        health: world.health,
        log: (level, text) => world.log(level, text),
        note: (level, text, happening) => world.note(level, text, happening),
        show: (snapshot) => {
          this.shown = { snapshot, receivedMs: world.clock.nowMs() };
          world.show(snapshot);
        },
        handoff,
      });
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      throw new UserError(`cannot watch the network interfaces: ${error.message}`, EXIT_FAILED);
    }
  }

  /** Makes them those of another configuration, and says in words what that changed; throws UserError when it cannot. */
  change(vrrp: VrrpConfig | null): string {
    const { virtualIps } = this;
    if (vrrp === null) {
      this.virtualIps = null;
      void virtualIps?.disband();
      this.world.show(null);
      return "[vrrp] removed: this host owns no virtual IP any more";
    }
    if (virtualIps === null) {
      this.start(vrrp);
      return "[vrrp] added";
    }
    const changes = virtualIps.reload(vrrp);
    return changes.length === 0 ? "no instance changed" : changes.join("; ");
  }

  /** Virtual routers of other names resign: nobody goes on with them. */
  keepOnly(names: ReadonlySet<string>): void {
    this.virtualIps?.keepOnly(names);
  }

  /** The proxy or one of its listens stands otherwise than before. */
  healthChanged(): void {
    this.virtualIps?.healthChanged();
  }

  /** What came of an operator's order. */
  async order(order: VrrpOrder): Promise<OrderOutcome> {
    return (await this.virtualIps?.order(order)) ?? { ok: false, lines: ["there are no virtual routers"] };
  }

  /** For a proxy process that has just started and knows nothing of them. */
  show(): void {
    this.virtualIps?.show();
  }

  /** What a stand-in sends in the place of this host; see {@link VirtualIps.standIn}. */
  standIn(): StandInRouter[] {
    return this.virtualIps?.standIn() ?? [];
  }

  /** See {@link VirtualIps.handOver}; null: there are none. */
  handOver(stoodInSeconds: number): VrrpHandoff | null {
    return this.virtualIps?.handOver(stoodInSeconds) ?? null;
  }

  /** Resigns and gives the addresses back, before it returns; the promise is for the last scripts and mails. */
  async stop(): Promise<void> {
    this.lastWords ??= this.virtualIps?.stop() ?? null;
    this.virtualIps = null;
    await this.lastWords;
  }
}
