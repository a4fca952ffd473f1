import type { VrrpStatus } from "../../stats/snapshot.ts";
import { vrrpLines } from "../../stats/vrrpTable.ts";
import { type AdminCommand, type Reply, refused } from "../command.ts";
import { outcome } from "./ours.ts";

/** What the supervisor does for clients with its virtual routers; each gives what came of it, in lines. */
export interface VrrpOrders {
  release(name: string, hold: boolean): Promise<string>;
  resume(name: string): Promise<string>;
}

const WIDTH = 100;
/** What {@link VrrpOrders} take for every router there is. */
const ALL = "all";
const NO_ROUTERS = "there are no virtual routers";

/** `show vrrp`: all that is known of the virtual routers. */
export function showVrrpCommand(vrrp: () => VrrpStatus | null): AdminCommand {
  return {
    words: ["show", "vrrp"],
    usage: "show vrrp [json]",
    summary: "report the virtual routers, their priorities, peers and counters",
    level: "user",
    run(args): Reply | null {
      if (args.length > 1 || (args[0] !== undefined && args[0] !== "json")) return null;
      const status = vrrp();
      if (args[0] === "json") return `${JSON.stringify(status)}\n`;
      if (status === null) return refused(NO_ROUTERS);
      return `${vrrpLines(status, { colour: false, width: WIDTH })
        .map((line) => line.trimEnd())
        .join("\n")}\n`;
    },
  };
}

/** `vrrp release`, `vrrp resume`: an operator takes routers out of the election, and puts them back. */
export function vrrpCommands(orders: VrrpOrders): AdminCommand[] {
  return [
    {
      words: ["vrrp", "release"],
      usage: "vrrp release <name>|all [hold]",
      summary: "hand virtual addresses over and stay BACKUP; hold: even alone",
      level: "admin",
      run(args) {
        const [name, ...rest] = args.filter((word) => word !== "hold" && word !== "--hold");
        if (name === undefined || rest.length > 0) return null;
        return orders.release(name, args.length > 1).then(outcome);
      },
    },
    {
      words: ["vrrp", "resume"],
      usage: "vrrp resume [<name>|all]",
      summary: "end a release: take part in the election again",
      level: "admin",
      run: ([name = ALL, ...rest]) => (rest.length > 0 ? null : orders.resume(name).then(outcome)),
    },
  ];
}
