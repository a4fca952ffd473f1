import type { AdminState, Health } from "../../pool/server.ts";
import { type AdminCommand, type Reply, refused, refusedBarely } from "../command.ts";
import type { OperatedServer, Operator } from "../operator.ts";
import { type Found, findServer } from "./names.ts";
import { setAddress, setCheckAddress, setCheckPort } from "./place.ts";
import { setWeight } from "./weight.ts";

const STATES: readonly AdminState[] = ["ready", "drain", "maint"];
const HEALTHS: readonly Health[] = ["up", "stopping", "down"];

/** There are no agent checks here. */
const NO_AGENT = "agent checks are not enabled on this server";

/** What `set server b/s` can be followed by, and what is done with the words behind that. */
const VERBS: Readonly<Record<string, (found: Found, args: readonly string[]) => Reply>> = {
  addr: ({ server }, args) => setAddress(server, args),
  agent: () => refused(`${NO_AGENT}.`),
  "agent-addr": () => refusedBarely(NO_AGENT),
  "agent-port": () => refusedBarely(NO_AGENT),
  "agent-send": () => refused(`${NO_AGENT}.`),
  "check-addr": ({ server }, args) => setCheckAddress(server, args),
  "check-port": ({ server }, args) => setCheckPort(server, args),
  fqdn: (_found, [name]) =>
    refused(`set server <b>/<s> fqdn ${name ? "failed because no resolution is configured" : "requires a FQDN"}.`),
  health: ({ server }, [health]) => setHealth(server, health),
  ssl: () => refused("'set server <srv> ssl' cannot be set.  default-server should define ssl settings"),
  state: ({ server }, [state]) => setState(server, state),
  weight: (found, [weight = ""]) => setWeight(found, weight),
};

/** What is said to one server of a listen. */
export function serverCommands(operator: Operator): AdminCommand[] {
  const command = (
    words: readonly string[],
    usage: string,
    summary: string,
    order: (found: Found, args: readonly string[]) => Reply,
  ): AdminCommand => ({
    words,
    usage,
    summary,
    level: "admin",
    run([name, ...args]) {
      const found = findServer(operator, name);
      return "server" in found ? order(found, args) : found;
    },
  });
  return [
    command(
      ["set", "server"],
      "set server <bk>/<srv> [opts]",
      "change a server's state, weight or address",
      (found, [verb = "", ...args]) => (Object.hasOwn(VERBS, verb) ? VERBS[verb]?.(found, args) : undefined) ?? USAGE,
    ),
    command(
      ["disable", "server"],
      "disable server (DEPRECATED)",
      "disable a server for maintenance (use 'set server' instead)",
      ({ server }) => setState(server, "maint"),
    ),
    command(
      ["enable", "server"],
      "enable server  (DEPRECATED)",
      "enable a disabled server (use 'set server' instead)",
      ({ server }) => setState(server, "ready"),
    ),
    command(["disable", "health"], "disable health", "disable health checks", ({ server }) => {
      server.setChecking(false);
      return "";
    }),
    command(["enable", "health"], "enable health", "enable health checks", ({ server }) => {
      if (!server.isChecked) return refused("Health check was not configured on this server, cannot enable.");
      server.setChecking(true);
      return "";
    }),
    command(["disable", "agent"], "disable agent", "disable agent checks", () => ""),
    command(["enable", "agent"], "enable agent", "enable agent checks", () =>
      refused("Agent was not configured on this server, cannot enable."),
    ),
    command(
      ["shutdown", "sessions", "server"],
      "shutdown sessions server <bk>/<srv>",
      "kill sessions on a server",
      ({ server }) => {
        server.endSessions();
        return "";
      },
    ),
  ];
}

const USAGE = refused(`usage: set server <backend>/<server> ${Object.keys(VERBS).join(" | ")}`);

function setState(server: OperatedServer, word: string | undefined): Reply {
  const state = STATES.find((each) => each === word);
  if (state === undefined) return refused("'set server <srv> state' expects 'ready', 'drain' and 'maint'.");
  server.setAdmin(state);
  return "";
}

function setHealth(server: OperatedServer, word: string | undefined): Reply {
  const health = HEALTHS.find((each) => each === word);
  if (health === undefined) return refused("'set server <srv> health' expects 'up', 'stopping', or 'down'.");
  server.setHealth(health);
  return "";
}
