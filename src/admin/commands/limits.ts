import { type AdminCommand, type Reply, refused, refusedBarely } from "../command.ts";
import type { Operator } from "../operator.ts";
import { leadingInteger, wholeNumber } from "./integer.ts";
import { findListen, findServer } from "./names.ts";

/** Highest limit of connections that the file takes. */
const MAX_MAXCONN = 1_000_000;

/** What limits connections. */
export function limitCommands(operator: Operator): AdminCommand[] {
  return [
    {
      words: ["set", "maxconn", "frontend"],
      usage: "set maxconn frontend <frontend> <value>",
      summary: "change a frontend's maxconn setting",
      level: "admin",
      run: ([name, value]) => setListenMaxconn(operator, name, value),
    },
    {
      words: ["set", "maxconn", "global"],
      usage: "set maxconn global <value>",
      summary: "change the per-process maxconn setting",
      level: "admin",
      run: ([value]) => setMaxconn(operator, value),
    },
    {
      words: ["set", "maxconn", "server"],
      usage: "set maxconn server <bk>/<srv>",
      summary: "change a server's maxconn setting",
      level: "admin",
      run([name, value = ""]) {
        const found = findServer(operator, name);
        return "server" in found ? setServerMaxconn(found.server, value) : found;
      },
    },
    {
      words: ["set", "rate-limit"],
      usage: "set rate-limit <setting> <value>",
      summary: "change a rate limiting value",
      level: "admin",
      run: setRateLimit,
    },
  ];
}

function setListenMaxconn(operator: Operator, name: string | undefined, text: string | undefined): Reply {
  if (name === undefined) return refused("A frontend name is expected.");
  const listen = findListen(operator, name);
  if (listen === null) return refused("No such frontend.");
  const value = wholeNumber(text);
  if (value === null) return refused("Integer value expected.");
  // HAProxy takes 0, and then neither serves anybody nor survives the next change.
  if (value < 1 || value > MAX_MAXCONN) return refused("Value out of range.");
  listen.setMaxconn(value);
  return "";
}

/** 0, or less: as much as can be. */
function setMaxconn(operator: Operator, text: string | undefined): Reply {
  const value = wholeNumber(text);
  if (value === null) return refused("Expects an integer value.");
  if (value > operator.hardMaxconn) return refused("Value out of range.");
  operator.setMaxconn(value > 0 ? value : operator.hardMaxconn);
  return "";
}

/** 0: no limit. */
function setServerMaxconn(server: { setMaxconn(maxconn: number | null): void }, text: string): Reply {
  if (text === "") return refused("Require <maxconn>.");
  const read = leadingInteger(text);
  if (read === null) return refusedBarely("maxconn string empty or preceded by garbage");
  const { value, rest } = read;
  if (rest !== "") return refusedBarely("Trailing garbage in maxconn string");
  if (value < 0 || value > MAX_MAXCONN) return refused("Value out of range.");
  server.setMaxconn(value === 0 ? null : value);
  return "";
}

const RATE_LIMITS = [
  "   - 'connections global' to set the per-process maximum connection rate",
  "   - 'sessions global' to set the per-process maximum session rate",
  "   - 'ssl-sessions global' to set the per-process maximum SSL session rate",
  "   - 'http-compression global' to set the per-process maximum compression speed in kB/s",
];

/** There are no rate limits here; none is what 0 asks for. */
function setRateLimit([what = "", scope, text]: readonly string[]): Reply {
  const isKnown = RATE_LIMITS.some((line) => line.includes(`'${what} global'`));
  if (scope !== "global" || !isKnown) return refused(`'set rate-limit' only supports :\n${RATE_LIMITS.join("\n")}`);
  const value = wholeNumber(text);
  if (value === null) return refused("Expects an integer value.");
  return value === 0 ? "" : refused("There are no rate limits: connections are limited by maxconn alone.");
}
