import { formatCsv } from "../../stats/csv.ts";
import { formatInfo } from "../../stats/info.ts";
import { EVERYTHING, type StatFilter } from "../../stats/rows.ts";
import type { Snapshot } from "../../stats/snapshot.ts";
import type { AdminCommand } from "../command.ts";

/** The commands that read: ours, and HAProxy's that its tools send. */
export function readingCommands(snapshot: () => Snapshot): AdminCommand[] {
  return [
    {
      words: ["show", "info"],
      usage: "show info",
      summary: "report information about the running process",
      level: "user",
      run: (args) => (args.length === 0 ? formatInfo(snapshot()) : null),
    },
    {
      words: ["show", "stat"],
      usage: "show stat [<px> <type> <sid>] [no-maint|up]*",
      summary: "report counters for each proxy and server",
      level: "user",
      run(args) {
        const filter = statFilter(args);
        return filter === null ? null : formatCsv(snapshot(), filter);
      },
    },
    {
      words: ["show", "status"],
      usage: "show status",
      summary: "report everything as one line of JSON",
      level: "user",
      run: (args) => (args.length === 0 ? `${JSON.stringify(snapshot())}\n` : null),
    },
  ];
}

/** `show stat`'s arguments: proxy name or iid, mask of row types, server id (-1: all of them), then words. */
function statFilter(args: readonly string[]): StatFilter | null {
  const positions = args.length >= 3 && isId(args[1]) && isId(args[2]) ? args.slice(0, 3) : [];
  const words = args.slice(positions.length);
  if (words.some((word) => word !== "up" && word !== "no-maint")) return null;
  const [proxy = "-1", types = "-1", server = "-1"] = positions;
  return {
    proxy: proxy === "-1" ? null : proxy,
    types: types === "-1" ? EVERYTHING.types : Number(types),
    server: server === "-1" ? null : Number(server),
    up: words.includes("up"),
    noMaintenance: words.includes("no-maint"),
  };
}

function isId(text: string | undefined): boolean {
  return /^(-1|\d{1,9})$/.test(text ?? "");
}
