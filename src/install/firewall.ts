import { assertNever } from "../core/errors.ts";
import type { Command } from "./command.ts";
import type { FirewallKeeper, HostFacts } from "./facts.ts";
import { VRRP_PROTOCOL } from "./paths.ts";

/** No family: the rule is for IPv4 and IPv6. No address: unicast peers send from their own. */
const RICH_RULE = 'rule protocol value="vrrp" accept';

/** What lets VRRP through this host's firewall; empty when we know of none. */
export function firewallCommands(facts: Pick<HostFacts, "firewall" | "root" | "vrrpInterfaces">): Command[] {
  return facts.firewall.flatMap((keeper) => commandsOf(keeper, facts));
}

function commandsOf(keeper: FirewallKeeper, facts: Pick<HostFacts, "root" | "vrrpInterfaces">): Command[] {
  switch (keeper) {
    case "firewalld":
      // Both, and no reload: that would drop what other tools have added at run time.
      return zones(facts).flatMap((zone) => [
        richRule(["firewall-cmd", ...zone]),
        richRule(["firewall-cmd", "--permanent", ...zone]),
      ]);
    case "firewalld-offline": {
      const tree = facts.root === "/" ? [] : [`--system-config=${facts.root}/etc/firewalld`];
      return zones(facts).map((zone) => richRule(["firewall-offline-cmd", ...tree, ...zone]));
    }
    case "iptables":
      return ["iptables", "ip6tables"].map((program) => {
        const rule = ["INPUT", "-p", String(VRRP_PROTOCOL), "-j", "ACCEPT"];
        const [check, insert, remove] = ["-C", "-I", "-D"].map((verb) => [program, verb, ...rule]);
        return { argv: insert ?? [], onlyIf: null, unless: check ?? null, undo: remove ?? null };
      });
    default:
      return assertNever(keeper);
  }
}

function richRule(program: readonly string[]): Command {
  return {
    argv: [...program, `--add-rich-rule=${RICH_RULE}`],
    onlyIf: null,
    unless: [...program, `--query-rich-rule=${RICH_RULE}`],
    undo: [...program, `--remove-rich-rule=${RICH_RULE}`],
  };
}

/** The flag of each zone that virtual routers are in; none at all is the default zone. */
function zones({ vrrpInterfaces }: Pick<HostFacts, "vrrpInterfaces">): string[][] {
  const names = new Set(vrrpInterfaces.map(({ zone }) => zone));
  if (names.size === 0) names.add(null);
  return [...names].map((zone) => (zone === null ? [] : [`--zone=${zone}`]));
}
