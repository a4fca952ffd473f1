import type { Clock } from "../core/clock.ts";
import { Level } from "../core/syslogCodes.ts";
import { DatagramSink, type DatagramTarget } from "./datagramSink.ts";
import { type LinePort, LineSink, type LineTarget } from "./lineSink.ts";
import type { Sink } from "./sink.ts";

/** Where one `[[log]]` table sends its messages. */
export type Target = DatagramTarget | LineTarget;

/** What a target lost since the start. */
export interface TargetLosses {
  name: string;
  /** Messages by errno name; empty when none was lost. */
  dropped: ReadonlyMap<string, number>;
}

const LAST_RESORT_LINE_BYTES = 1024;

/** Sends each message to every target whose level lets it pass. Never blocks and never throws. */
export class Logger {
  private readonly sinks: readonly Sink[];
  private readonly lastResort: Sink;
  private readonly mostDetailed: number;
  private closed = false;

  /**
   * @param lastResort stderr: says there what a target lost when no line target would show it
   */
  constructor(targets: readonly Target[], clock: Clock, lastResort: LinePort) {
    this.sinks = targets.map((target) =>
      target.kind === "line"
        ? new LineSink(target, clock)
        : new DatagramSink(target, clock, (sentence) => this.report(target.name, sentence)),
    );
    this.mostDetailed = Math.max(-1, ...targets.map((target) => target.level));
    this.lastResort = new LineSink(
      { kind: "line", name: "stderr", level: Level.debug, maxLengthBytes: LAST_RESORT_LINE_BYTES, port: lastResort },
      clock,
    );
  }

  /** @param message one line of text; control characters in it are escaped */
  log(level: Level, message: string): void {
    for (const sink of this.sinks) if (level <= sink.level) sink.write(level, message);
  }

  /** Whether any target takes this level: a caller on the hot path asks before it formats a line. */
  wants(level: Level): boolean {
    return level <= this.mostDetailed;
  }

  /** For status and metrics. */
  losses(): TargetLosses[] {
    return this.sinks.map(({ name, dropped }) => ({ name, dropped }));
  }

  /** Messages lost so far, over all targets. */
  get dropped(): number {
    let total = 0;
    for (const sink of this.sinks) for (const lost of sink.dropped.values()) total += lost;
    return total;
  }

  /** Closes every target; what was lost and not yet told is said on line targets or stderr. */
  close(): void {
    this.closed = true;
    for (const sink of this.sinks) sink.close();
  }

  private report(failing: string, sentence: string): void {
    const level = Level.warning;
    const others = this.sinks.filter(
      (sink) => sink.name !== failing && level <= sink.level && (sink instanceof LineSink || !this.closed),
    );
    for (const sink of others) sink.write(level, sentence);
    // Another daemon may be as dead as this one; only a line target is sure to be seen.
    if (!others.some((sink) => sink instanceof LineSink)) this.lastResort.write(level, sentence);
  }
}
