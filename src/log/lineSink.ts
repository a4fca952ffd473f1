import type { Clock } from "../core/clock.ts";
import type { Level } from "../core/syslogCodes.ts";
import { isoSecond, millis, utcOffset } from "./localTime.ts";
import { levelName } from "./severity.ts";
import type { Sink } from "./sink.ts";
import { cutToBytes, printable } from "./text.ts";

/** stdout or stderr. */
export interface LinePort {
  /** One whole line without its newline. Never blocks: the port bounds what it holds for a reader that does not read. */
  write(line: string): void;
}

/** A target that people read. */
export interface LineTarget {
  kind: "line";
  name: string;
  /** 0..7: takes messages of this level and more severe ones. */
  level: number;
  /** Longest line without its newline. */
  maxLengthBytes: number;
  port: LinePort;
}

const NOTHING: ReadonlyMap<string, number> = new Map();

/** Writes `2026-11-22T16:00:00.123+00:00 notice Server b/s is UP …`. */
export class LineSink implements Sink {
  readonly name: string;
  readonly level: number;
  readonly dropped = NOTHING;
  private second = Number.NaN;
  private time = "";
  private offset = "";

  constructor(
    private readonly target: LineTarget,
    private readonly clock: Clock,
  ) {
    this.name = target.name;
    this.level = target.level;
  }

  write(level: Level, message: string): void {
    const wallMs = this.clock.wallMs();
    const second = Math.floor(wallMs / 1000);
    if (second !== this.second) {
      this.second = second;
      this.time = isoSecond(wallMs);
      this.offset = utcOffset(wallMs);
    }
    const { maxLengthBytes, port } = this.target;
    const text = printable(message.length > maxLengthBytes ? message.slice(0, maxLengthBytes) : message);
    port.write(cutToBytes(`${this.time}.${millis(wallMs)}${this.offset} ${levelName(level)} ${text}`, maxLengthBytes));
  }

  /** The stream belongs to the process, not to the log. */
  close(): void {}
}
