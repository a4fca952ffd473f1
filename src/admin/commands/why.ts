import { suggest } from "../../config/suggest.ts";
import { explain } from "../../stats/why/explain.ts";
import { renderWhy } from "../../stats/why/text.ts";
import type { WhyWorld } from "../../stats/why/why.ts";
import { type AdminCommand, refused } from "../command.ts";

/** `show why NAME`: the chain from symptom to cause of a server, a listen or a virtual router. */
export function whyCommand(world: () => Omit<WhyWorld, "suggest">): AdminCommand {
  return {
    words: ["show", "why"],
    usage: "show why <name> [json]",
    summary: "explain the state of a server, listen, virtual router or its address",
    level: "user",
    run(args) {
      const [name, form, ...rest] = args;
      if (name === undefined || (form !== undefined && form !== "json") || rest.length > 0) return null;
      const known = { ...world(), suggest };
      const why = explain(name, known);
      if (form === "json") return `${JSON.stringify(why)}\n`;
      return "unknown" in why ? refused(why.unknown) : renderWhy(why, known.wallMs);
    },
  };
}
