import { type AdminCommand, type Reply, refused, refusedBarely } from "../command.ts";
import type { Operator } from "../operator.ts";
import { leadingInteger } from "./integer.ts";
import { type Found, findServer } from "./names.ts";

/** Highest weight a server can have. */
const MAX_WEIGHT = 256;

/** `get weight` and the old way to set it. */
export function weightCommands(operator: Operator): AdminCommand[] {
  return [
    {
      words: ["get", "weight"],
      usage: "get weight <bk>/<srv>",
      summary: "report a server's current weight",
      level: "user",
      run([name]) {
        const found = findServer(operator, name);
        return "server" in found ? `${found.server.weight} (initial ${found.server.weightInFile})\n` : found;
      },
    },
    {
      words: ["set", "weight"],
      usage: "set weight <bk>/<srv>  (DEPRECATED)",
      summary: "change a server's weight (use 'set server' instead)",
      level: "admin",
      run([name, weight = ""]) {
        const found = findServer(operator, name);
        return "server" in found ? setWeight(found, weight) : found;
      },
    },
  ];
}

/** A weight, "50", or a share of the file's, "50%". */
export function setWeight({ listen, server }: Found, text: string): Reply {
  const weight = readWeight(text, server.weightInFile);
  if (typeof weight !== "number") return weight;
  if (listen.hasStaticWeights && weight !== 0 && weight !== server.weightInFile)
    return refused("Backend is using a static LB algorithm and only accepts weights '0%' and '100%'.");
  server.setWeight(weight);
  return "";
}

function readWeight(text: string, inFile: number): number | Exclude<Reply, string> {
  if (text === "") return refused("Require <weight> or <weight%>.");
  const read = leadingInteger(text);
  if (read === null) return refusedBarely("Empty weight string empty or preceded by garbage");
  const { value, rest } = read;
  if (rest === "%") {
    if (value < 0) return refused("Relative weight must be positive.");
    return Math.min(MAX_WEIGHT, Math.floor((inFile * value) / 100));
  }
  if (value < 0 || value > MAX_WEIGHT) return refused("Absolute weight can only be between 0 and 256 inclusive.");
  return rest === "" ? value : refusedBarely("Trailing garbage in weight string");
}
