import type { Clock } from "../../src/core/clock.ts";
import type { Level } from "../../src/core/syslogCodes.ts";
import type { NotifyWorld } from "../../src/notify/world.ts";

/** A world whose log lines are kept. */
export function worldWith<C extends Clock>(clock: C): NotifyWorld & { clock: C; lines: string[]; levels: Level[] } {
  const lines: string[] = [];
  const levels: Level[] = [];
  return {
    clock,
    lines,
    levels,
    log(level, text) {
      levels.push(level);
      lines.push(text);
    },
  };
}
