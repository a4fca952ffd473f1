import { type Command, command, shellText } from "./command.ts";
import type { Existing, HostFacts } from "./facts.ts";
import { firewallCommands } from "./firewall.ts";
import { CONFIG, PROGRAM, SERVICE, VRRP_PROTOCOL } from "./paths.ts";
import type { Plan, Step } from "./plan.ts";

/** What has to be run once the files are there, so that the host notices: nothing in a tree, but for its firewall. */
export function commandsAfter(plan: Plan, facts: HostFacts, wantsFirewall: boolean): Command[] {
  const firewall = wantsFirewall ? firewallCommands(facts) : [];
  if (facts.root !== "/") return firewall;
  const paths = changedPaths(plan);
  const found = (part: string): string | undefined => paths.find((path) => path.includes(part));
  const commands: Command[] = [];
  if (facts.selinux && paths.length > 0) commands.push(command("restorecon", "-F", ...paths));
  if (facts.init === "systemd" && found("/systemd/system") !== undefined)
    commands.push(command("systemctl", "daemon-reload"));
  const sysctl = found("/sysctl.d/");
  // -e: the keys of IPv6 are not there on every host.
  if (sysctl !== undefined) commands.push(command("sysctl", "-e", "-q", "-p", sysctl));
  if (facts.init === "systemd" && found("/rsyslog.d/") !== undefined)
    commands.push({ ...command("systemctl", "try-restart", "rsyslog.service"), onlyIf: ["rsyslogd", "-N1"] });
  return [...commands, ...firewall];
}

/** What an operator has to know or do himself, in sentences. */
export function notesAfter(plan: Plan, facts: HostFacts, wantsFirewall: boolean, config: Existing): string[] {
  return [
    ...serviceNotes(plan, facts),
    ...configNotes(facts, config),
    ...rsyslogNotes(plan, facts),
    ...firewallNotes(facts, wantsFirewall),
    ...(facts.root !== "/" && facts.selinux
      ? [`label the tree before it is booted: setfiles, or touch ${facts.root}/.autorelabel`]
      : []),
  ];
}

function serviceNotes(plan: Plan, { init, root, initDirectory }: HostFacts): string[] {
  if (root !== "/") return [];
  const verb = (name: string): string =>
    init === "systemd" ? `systemctl ${name} ${SERVICE}` : `${initDirectory}/${SERVICE} ${name}`;
  const program = plan.steps.find((step) => step.verdict !== "remove" && step.item.kind === "program");
  return program?.verdict === "change"
    ? ["a service that runs goes on with the old program until it is restarted or upgraded"]
    : program?.verdict === "create"
      ? [
          `next: edit ${CONFIG}, try it with "${PROGRAM} check -c ${CONFIG}", then "${verb("start")}"; it starts at boot`,
        ]
      : [];
}

/** A configuration that was there before may be for root alone. */
function configNotes({ account }: HostFacts, config: Existing): string[] {
  if (config.kind !== "file") return [];
  const readable = (config.mode & 0o004) !== 0 || ((config.mode & 0o040) !== 0 && config.gid === account.gid);
  return readable ? [] : [`the service cannot read ${CONFIG}: chgrp ${SERVICE} ${CONFIG}; chmod 0640 ${CONFIG}`];
}

function rsyslogNotes(plan: Plan, { rsyslogUser, init, root }: HostFacts): string[] {
  const changed = changedPaths(plan).some((path) => path.includes("/rsyslog.d/"));
  return [
    ...(rsyslogUser === null
      ? []
      : [
          `rsyslog runs as ${rsyslogUser}, who cannot write to the service's log directory: let it be root, or log elsewhere`,
        ]),
    ...(changed && init === "sysv" && root === "/" ? ["restart rsyslog, so that it takes the log in"] : []),
  ];
}

function firewallNotes(facts: HostFacts, wantsFirewall: boolean): string[] {
  return [...keeperNotes(facts, wantsFirewall), ...nftNotes(facts)];
}

/** A rule set of nftables is a file that somebody has written: to say what it needs is all that we can do. */
function nftNotes({ nftInputChains }: HostFacts): string[] {
  if (nftInputChains.length === 0) return [];
  const rules = nftInputChains.map((chain) => `\n    nft insert rule ${chain} meta l4proto ${VRRP_PROTOCOL} accept`);
  return [`this host has a rule set of nftables, which may drop VRRP; now, and in its file:${rules.join("")}`];
}

function keeperNotes(facts: HostFacts, wantsFirewall: boolean): string[] {
  const commands = firewallCommands(facts);
  if (wantsFirewall && facts.nftInputChains.length > 0 && commands.length === 0) return [];
  if (wantsFirewall && facts.firewall.includes("iptables"))
    return ["the rules of iptables last until the next boot: save them the way this host does"];
  if (wantsFirewall && commands.length === 0) return ["no firewall was found: nothing was opened"];
  if (wantsFirewall) return [];
  const how = commands.map(({ argv }) => `\n    ${shellText(argv)}`).join("");
  return [
    `virtual addresses need IP protocol ${VRRP_PROTOCOL} (VRRP) between the two hosts${
      how === "" ? ", should there be a firewall" : ", and clients the ports; --firewall does for VRRP:"
    }${how}`,
  ];
}

function changedPaths({ steps }: Plan): string[] {
  return steps.flatMap((step) => pathOf(step));
}

function pathOf(step: Step): string[] {
  if (step.verdict === "keep") return [];
  if (step.verdict === "remove") return [step.path];
  return step.item.kind === "account" ? [] : [step.item.path];
}
