import { csvChunks } from "../../stats/csv.ts";
import { formatInfo, type InfoForm } from "../../stats/info.ts";
import { jsonChunks } from "../../stats/json.ts";
import { EVERYTHING, type StatFilter, statRows } from "../../stats/rows.ts";
import { jsonSchema } from "../../stats/schema.ts";
import type { Snapshot } from "../../stats/snapshot.ts";
import { typedChunks } from "../../stats/typed.ts";
import { type AdminCommand, type Reply, refused } from "../command.ts";

/** What there is to be read of the process and of all that it balances. Words that mean nothing are passed over, as by HAProxy. */
export function readingCommands(snapshot: () => Snapshot): AdminCommand[] {
  return [
    {
      words: ["show", "info"],
      usage: "show info [desc|json|typed|float]*",
      summary: "report information about the running process",
      level: "user",
      run: (words) => formatInfo(snapshot(), infoForm(words)),
    },
    {
      words: ["show", "stat"],
      usage: "show stat [desc|json|no-maint|typed|up]*",
      summary: "report counters for each proxy and server",
      level: "user",
      run: (args) => showStat(args, snapshot()),
    },
    {
      words: ["show", "schema", "json"],
      usage: "show schema json",
      summary: "report schema used for stats",
      level: "user",
      run: () => `${jsonSchema()}\n`,
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

function infoForm(words: readonly string[]): InfoForm {
  return { form: lastForm(words) ?? "text", desc: words.includes("desc"), float: words.includes("float") };
}

/** `show stat [<proxy> <types> <server>] [words]`: the first three are only read when there are three. */
function showStat(args: readonly string[], snapshot: Snapshot): Reply {
  const filter = args.length < 3 ? EVERYTHING : positions(args, snapshot);
  if (filter === null) return refused("No such proxy.");
  const words = filter === EVERYTHING ? args : args.slice(3);
  const rows = statRows(snapshot, { ...filter, up: words.includes("up"), noMaintenance: words.includes("no-maint") });
  const form = lastForm(words);
  if (form === "typed") return { pieces: typedChunks(rows, words.includes("desc")) };
  return { pieces: form === "json" ? jsonChunks(rows) : csvChunks(rows) };
}

/** Proxy name or iid, mask of row types, server id (-1: all of them); null: there can be no such proxy. */
function positions([proxy = "", types = "", server = ""]: readonly string[], snapshot: Snapshot): StatFilter | null {
  const isName = snapshot.listens.some(({ name }) => name === proxy);
  const iid = leadingNumber(proxy);
  if (!isName && iid === 0) return null;
  const sid = leadingNumber(server);
  return {
    ...EVERYTHING,
    proxy: isName ? proxy : iid === -1 ? null : String(iid),
    types: leadingNumber(types),
    server: sid === -1 ? null : sid,
  };
}

/** As C's atoi, which is what HAProxy reads these with: what is no number is 0. */
function leadingNumber(text: string): number {
  return Number(/^[-+]?\d{1,9}/.exec(text)?.[0] ?? 0);
}

function lastForm(words: readonly string[]): "typed" | "json" | null {
  const last = words.findLast((word) => word === "typed" || word === "json");
  return (last as "typed" | "json" | undefined) ?? null;
}
