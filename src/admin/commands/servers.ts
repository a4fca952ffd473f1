import { formatServersConn, formatServersState } from "../../stats/serverStates.ts";
import type { ProxyView } from "../../stats/view.ts";
import { type AdminCommand, type Reply, refused } from "../command.ts";

/** What there is to be read of servers and listens, in HAProxy's forms. */
export function serverCommands(view: () => ProxyView): AdminCommand[] {
  return [
    {
      words: ["show", "servers", "state"],
      usage: "show servers state [<backend>]",
      summary: "dump volatile server information (all or for a single backend)",
      level: "user",
      run: ([listen = null]) => orUnknown(formatServersState(view(), listen)),
    },
    {
      words: ["show", "servers", "conn"],
      usage: "show servers conn [<backend>]",
      summary: "dump server connections status (all or for a single backend)",
      level: "user",
      run: ([listen = null]) => orUnknown(formatServersConn(view(), listen)),
    },
    {
      words: ["show", "backend"],
      usage: "show backend",
      summary: "list backends in the current running config",
      level: "user",
      run: () => ["# name", ...view().pools.map(({ config }) => config.name), ""].join("\n"),
    },
  ];
}

function orUnknown(text: string | null): Reply {
  return text ?? refused("Can't find backend.");
}
