import { type AdminCommand, allows, refused } from "../command.ts";
import type { Operator } from "../operator.ts";

/** What is said to statistics. */
export function counterCommands(operator: Operator): AdminCommand[] {
  return [
    {
      words: ["clear", "counters"],
      usage: "clear counters [all]",
      summary: "clear max statistics counters (or all counters)",
      level: "operator",
      async run([which], { level }) {
        const all = which === "all";
        if (all && !allows(level, "admin")) return refused("Permission denied");
        await operator.clearCounters(all);
        return "";
      },
    },
  ];
}
