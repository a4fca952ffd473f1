import type { Clock } from "../core/clock.ts";
import { type ChildEnd, reap } from "../net/execute.ts";
import { LineChannel } from "../net/lineChannel.ts";
import type { ProxyCommand, ProxyReport } from "../proxy/protocol.ts";
import type { OpenProxy } from "./handoff.ts";

/** How often to look whether it has ended. */
const LOOK_MS = 100;

/** Who hears of it. */
export interface AdoptedObserver {
  onReport(report: ProxyReport): void;
  onExit(end: ChildEnd): void;
}

/**
 * A proxy process that was started by the program that was here before: it is our child, but the runtime does not know of
 * it, so it is spoken to over its handover channel, and its end is looked for.
 */
export class AdoptedProxy {
  readonly pid: number;
  readonly channel: LineChannel;

  constructor(
    open: OpenProxy,
    private readonly clock: Clock,
    private readonly observer: AdoptedObserver,
  ) {
    this.pid = open.pid;
    this.channel = new LineChannel(
      open.channel,
      {
        onMessage: (message) => observer.onReport(message as ProxyReport), // our own child's, over a private channel
        onClosed: () => {},
      },
      open.rest,
    );
    this.look();
  }

  send(command: ProxyCommand): void {
    this.channel.send(command);
  }

  kill(signal: NodeJS.Signals): void {
    try {
      process.kill(this.pid, signal);
    } catch {
      // It has just ended, as the next look will find.
    }
  }

  private look(): void {
    this.clock.after(LOOK_MS, () => {
      const end = reap(this.pid);
      if (end === null) {
        this.look();
        return;
      }
      this.channel.close();
      this.observer.onExit(end);
    });
  }
}
