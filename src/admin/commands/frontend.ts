import { Level } from "../../core/syslogCodes.ts";
import { type AdminCommand, type Reply, refused, told } from "../command.ts";
import type { OperatedListen, Operator } from "../operator.ts";
import { findListen } from "./names.ts";

/** What is said to a listen's clients' side: our listens are HAProxy's frontends as well. */
export function frontendCommands(operator: Operator): AdminCommand[] {
  const command = (
    verb: string,
    summary: string,
    order: (listen: OperatedListen) => Reply | Promise<Reply>,
  ): AdminCommand => ({
    words: [verb, "frontend"],
    usage: `${verb} frontend <frontend>`,
    summary,
    level: "admin",
    run([name]) {
      if (name === undefined) return refused("A frontend name is expected.");
      const listen = findListen(operator, name);
      return listen === null ? refused("No such frontend.") : order(listen);
    },
  });
  return [
    command("disable", "temporarily disable specific frontend", async (listen) => {
      if (listen.accepting === "stopped")
        return told("Frontend was previously shut down, cannot disable.", Level.notice);
      if (listen.accepting === "paused") return told("All sockets are already disabled.", Level.notice);
      await listen.pause();
      return "";
    }),
    command("enable", "re-enable specific frontend", async (listen) => {
      if (listen.accepting === "stopped") return refused("Frontend was previously shut down, cannot enable.");
      if (listen.accepting === "open") return told("All sockets are already enabled.", Level.notice);
      await listen.resume();
      return "";
    }),
    command("shutdown", "stop a specific frontend", async (listen) => {
      if (listen.accepting === "stopped") return told("Frontend was already shut down.", Level.notice);
      await listen.shutDown();
      return "";
    }),
  ];
}
