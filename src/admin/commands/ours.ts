import { type AdminCommand, type Reply, refused } from "../command.ts";

/** What the supervisor does for clients; each gives what came of it, in lines. */
export interface SupervisorOrders {
  reload(): Promise<string>;
  upgrade(): Promise<string>;
}

/** How the supervisor begins an answer that says that nothing has come of an order. */
const FAILED = "Failed: ";

/** Commands that HAProxy has not: what the supervisor is told to do. */
export function supervisorCommands(orders: SupervisorOrders): AdminCommand[] {
  return [
    {
      words: ["reload"],
      usage: "reload",
      summary: "read the configuration file again and apply what has changed",
      level: "admin",
      run: (args) => (args.length === 0 ? orders.reload().then(outcome) : null),
    },
    {
      words: ["upgrade"],
      usage: "upgrade",
      summary: "go on with the program that is on disk now, without a connection lost",
      level: "admin",
      run: (args) => (args.length === 0 ? orders.upgrade().then(outcome) : null),
    },
  ];
}

/** An answer of the supervisor's, which may be that nothing has come of it. */
export function outcome(text: string): Reply {
  return text.startsWith(FAILED) ? refused(text.trimEnd()) : text;
}
