import type { Level } from "../core/syslogCodes.ts";

/** One log target as the logger sees it. */
export interface Sink {
  /** For people: `udp 127.0.0.1:514`, `stderr`. */
  readonly name: string;
  /** Takes messages of this level and more severe ones. */
  readonly level: number;
  /** Messages that could not be delivered since the start, by errno name. */
  readonly dropped: ReadonlyMap<string, number>;
  /** Never blocks, never throws. The level has been checked. */
  write(level: Level, message: string): void;
  close(): void;
}
