import { constants } from "node:os";
import type { Clock } from "../core/clock.ts";
import { errnoName } from "../core/errno.ts";
import type { Level } from "../core/syslogCodes.ts";
import { LossReport } from "./lossReport.ts";
import type { Sink } from "./sink.ts";
import { type FrameOptions, SyslogFramer } from "./syslog.ts";

/** A connected, non-blocking datagram socket. */
export interface DatagramPort {
  /** Takes the bytes before it returns: how many were sent, or `-errno`. */
  send(bytes: Uint8Array): number;
  /** Connects anew; a failure shows in the next send. */
  reopen(): void;
  close(): void;
}

/** A syslog daemon behind UDP or a unix datagram socket. */
export interface DatagramTarget {
  kind: "udp" | "unix";
  name: string;
  /** 0..7: takes messages of this level and more severe ones. */
  level: number;
  frame: FrameOptions;
  port: DatagramPort;
}

/** A target that is gone is connected anew at most this often. */
const REOPEN_INTERVAL_MS = 1_000;

const ECONNREFUSED = constants.errno.ECONNREFUSED;

/** Passes by itself, or concerns this message alone: a new socket would not help. */
const PASSING: ReadonlySet<number> = new Set([
  constants.errno.EAGAIN,
  constants.errno.ENOBUFS,
  constants.errno.ENOMEM,
  constants.errno.EMSGSIZE,
  constants.errno.EINTR,
]);

/**
 * Sends what it can at once and drops the rest: a dead or slow daemon costs a failed system call a message, and for a
 * daemon that is gone not even that until it is time to look for it again.
 */
export class DatagramSink implements Sink {
  readonly name: string;
  readonly level: number;
  private readonly framer: SyslogFramer;
  private readonly losses: LossReport;
  /** errno with which the last new connection failed too; 0 while there is hope. */
  private goneErrno = 0;
  private nextReopenMs = Number.NEGATIVE_INFINITY;

  /** @param report takes sentences about losses; must not write to this sink */
  constructor(
    private readonly target: DatagramTarget,
    private readonly clock: Clock,
    report: (sentence: string) => void,
  ) {
    this.name = target.name;
    this.level = target.level;
    this.framer = new SyslogFramer(target.frame);
    this.losses = new LossReport(target.name, clock, report);
  }

  get dropped(): ReadonlyMap<string, number> {
    return this.losses.dropped;
  }

  write(level: Level, message: string): void {
    if (this.goneErrno !== 0 && this.clock.nowMs() < this.nextReopenMs) {
      this.losses.lost(errnoName(this.goneErrno));
      return;
    }
    const bytes = this.framer.frame(level, message, this.clock.wallMs());
    const sent = this.target.port.send(bytes);
    if (sent < 0) this.recover(-sent, bytes);
    else this.delivered();
  }

  close(): void {
    this.losses.close();
    this.target.port.close();
  }

  private delivered(): void {
    this.goneErrno = 0;
    this.losses.sent();
  }

  // A report of a loss can come back as a message for this sink (two targets that fail report to each other) and would
  // overwrite the bytes: first send, then count.
  private recover(errno: number, bytes: Uint8Array): void {
    if (PASSING.has(errno)) {
      this.losses.lost(errnoName(errno));
    } else if (this.target.kind === "udp" && errno === ECONNREFUSED) {
      // The kernel tells on this send that the host refused an earlier one (ICMP port unreachable): that one is lost,
      // this one has not been tried yet. Its own fate shows later, so it does not count as working.
      const retried = this.target.port.send(bytes);
      this.losses.lost(errnoName(errno));
      if (retried < 0) this.losses.lost(errnoName(-retried));
    } else {
      this.reopenAndRetry(errno, bytes);
    }
  }

  private reopenAndRetry(errno: number, bytes: Uint8Array): void {
    const nowMs = this.clock.nowMs();
    let failure = errno;
    if (nowMs >= this.nextReopenMs) {
      this.nextReopenMs = nowMs + REOPEN_INTERVAL_MS;
      this.target.port.reopen();
      const retried = this.target.port.send(bytes);
      if (retried >= 0) {
        this.delivered();
        return;
      }
      failure = -retried;
    }
    this.goneErrno = failure;
    this.losses.lost(errnoName(failure));
  }
}
