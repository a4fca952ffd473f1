import { ipVersion } from "../../core/endpoint.ts";
import { type Finding, type Match, type PairRule, sidesOf } from "./finding.ts";
import { listensBehind, type Side } from "./pair.ts";

/** Whether the addresses follow what the clients come for. */
export const SERVICE_RULES: readonly PairRule[] = [sameHost, scripts, tracking, allOrNothing, sharedScripts, standby];

function sameHost({ a, b, pair, names, find }: Match): Finding[] {
  if (a.unicastSrcIp === null || a.unicastSrcIp !== b.unicastSrcIp) return [];
  const text = `${names[0]} and ${names[1]} both send from ${pair[0] === pair[1] ? "here" : a.unicastSrcIp}: each takes the other's adverts for its own`;
  return [find("same_host", text, "write each host's own address into unicast_src_ip")];
}

function scripts(match: Match): Finding[] {
  return sidesOf(match).flatMap(({ side, instance }) =>
    instance.trackScript.flatMap(({ name }): Finding[] => {
      const script = side.vrrp.scripts.find((each) => each.name === name);
      const [program = ""] = script?.command ?? [];
      const problem = side.programProblem(program);
      if (problem === null) return [];
      const effect = side.daemon === "keepalived" ? "keepalived takes it for healthy" : "it counts as failed";
      return [
        match.find(
          "script",
          `script ${name} on ${side.name} cannot be run: ${program} ${problem}: ${effect}`,
          "mend that",
        ),
      ];
    }),
  );
}

function tracking(match: Match): Finding[] {
  return sidesOf(match).flatMap(({ side, instance }): Finding[] => {
    const { trackProxy, trackListen, trackScript, trackFile } = instance;
    const blind = trackProxy === null && trackListen.length === 0 && trackScript.length === 0 && trackFile.length === 0;
    if (blind) {
      const text = `${side.name} tracks nothing of the service: the addresses stay there when it is dead`;
      return [match.find("no_track", text, "track the proxy: track_proxy = true, or a script")];
    }
    const tracked = new Set(trackListen.map(({ name }) => name));
    // A script may look at the servers as well; what it looks at nobody knows.
    if (side.daemon === "keepalived" || trackScript.length > 0) return untracked(match, side, [], tracked);
    return untracked(match, side, listensBehind(side, instance), tracked);
  });
}

function untracked(
  match: Match,
  side: Side,
  listens: ReturnType<typeof listensBehind>,
  tracked: ReadonlySet<string>,
): Finding[] {
  return listens
    .filter(({ name, servers }) => !tracked.has(name) && servers.some(({ check }) => check !== null))
    .map(({ name }) => {
      const text = `${side.name} does not track ${name}: when it alone loses all servers of ${name}, the addresses stay there`;
      return match.find("no_track", text, `write track_listen = [{ name = "${name}", weight = -20 }]`);
    });
}

/** Weight 0 takes the addresses from the listens that work as well, once the servers of one are down for both. */
function allOrNothing(match: Match): Finding[] {
  const fatal = sidesOf(match).map(({ instance }) =>
    instance.trackListen.filter(({ weight, reverse }) => weight === 0 && !reverse).map(({ name }) => name),
  );
  const [mine = [], theirs = []] = fatal;
  const others = sidesOf(match).map(({ side, instance }) => listensBehind(side, instance).length);
  if (others.some((count) => count < 2)) return [];
  return mine
    .filter((name) => theirs.includes(name))
    .map((name) => {
      const text = `when all servers of ${name} are down, both hosts give up the addresses, and the other listens behind them are lost as well`;
      return match.find("all_or_nothing", text, `give track_listen of ${name} a weight, as -20, on both`);
    });
}

/** Both ask one third host: when that one fails, both fail. */
function sharedScripts(match: Match): Finding[] {
  const fatal = (side: Side, instance: Match["a"]): { name: string; command: string }[] =>
    instance.trackScript.flatMap(({ name, weight }) => {
      const script = side.vrrp.scripts.find((each) => each.name === name);
      if (script === undefined || (weight ?? script.weight) !== 0 || !script.command.some(isThirdHost)) return [];
      return [{ name, command: script.command.join(" ") }];
    });
  const theirs = new Set(fatal(match.pair[1], match.b).map(({ command }) => command));
  return fatal(match.pair[0], match.a)
    .filter(({ command }) => theirs.has(command))
    .map(({ name, command }) => {
      const text = `script ${name} asks the same third host on both (${command}): when that one fails, both are in FAULT and nobody owns the addresses`;
      return match.find(
        "shared_script",
        text,
        "give it a weight, as -20, on both: then it decides only who is better off",
      );
    });
}

function isThirdHost(word: string): boolean {
  return ipVersion(word) !== 0 && !word.startsWith("127.") && word !== "::1";
}

/** A standby that stops the service cannot be healthy: its tracker fails for as long as it is standby. */
function standby(match: Match): Finding[] {
  return sidesOf(match).flatMap(({ side, instance }): Finding[] => {
    const command = [instance.notify.backup, instance.notify.fault].find((words) =>
      words?.some((word) => STOPS.test(word)),
    );
    if (command == null) return [];
    const text = `${side.name} stops the service when it is not MASTER (${command.join(" ")}): its own check fails then, and both sides' priorities fall together`;
    return [match.find("standby_stopped", text, "let the service run on both hosts all the time")];
  });
}

const STOPS = /(^|[^a-z])(stop|kill|killall)([^a-z]|$)/i;
