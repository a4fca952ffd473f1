import { type Endpoint, ipVersion } from "../../core/endpoint.ts";
import { acceptDate } from "../../log/localTime.ts";
import { formatActivity } from "../../stats/activity.ts";
import { formatVersion } from "../../stats/infoFields.ts";
import type { ProxyView } from "../../stats/view.ts";
import { type AdminCommand, type AdminLevel, refused } from "../command.ts";

/** An address at which the runtime API is served, and what clients may do there at first. */
export interface ServedSocket {
  readonly endpoint: Endpoint;
  readonly level: AdminLevel;
}

/** What HAProxy's tools ask for in passing. */
export function sundryCommands(view: () => ProxyView, sockets: () => readonly ServedSocket[]): AdminCommand[] {
  return [
    {
      words: ["show", "cli", "sockets"],
      usage: "show cli sockets",
      summary: "dump list of cli sockets",
      level: "operator",
      run: () => ["# socket lvl processes", ...sockets().map(socketLine), ""].join("\n"),
    },
    {
      words: ["show", "activity"],
      usage: "show activity",
      summary: "show per-thread activity stats (for support/developers)",
      level: "user",
      run: () => formatActivity(view()),
    },
    {
      words: ["show", "errors"],
      usage: "show errors [<px>] [request|response]",
      summary: "report last request and/or response errors for each proxy",
      level: "operator",
      // Messages that break a protocol's rules: TCP has no messages, so there can be none.
      run: () => `Total events captured on [${acceptDate(view().clock.wallMs())}] : 0\n`,
    },
    {
      words: ["show", "table"],
      usage: "show table <table> [<filter>]*",
      summary: "report table usage stats or dump this table's contents (filter: data/key)",
      level: "user",
      run: ([table]) => (table === undefined ? "" : refused("No such table")),
    },
    {
      words: ["show", "version"],
      usage: "show version",
      summary: "show version of the current process",
      level: "user",
      run: () => `${formatVersion(view().version)}\n`,
    },
  ];
}

function socketLine({ endpoint, level }: ServedSocket): string {
  if (endpoint.kind === "unix") return `unix@${endpoint.path} ${level} all`;
  const { host, port } = endpoint;
  return ipVersion(host) === 6 ? `ipv6@[${host}]:${port} ${level} all` : `ipv4@${host}:${port} ${level} all`;
}
