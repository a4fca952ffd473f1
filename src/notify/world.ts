import type { Clock } from "../core/clock.ts";
import type { Level } from "../core/syslogCodes.ts";

/** What telling people and programs needs of the outside, beside sockets, files and processes. */
export interface NotifyWorld {
  readonly clock: Clock;
  readonly log: (level: Level, text: string) => void;
}
