import { findProblems } from "../problems.ts";
import type { ServerSnapshot, Snapshot } from "../snapshot.ts";
import { instanceTone } from "../vrrpWording.ts";
import { plural } from "../wording.ts";
import { serverLook } from "./states.ts";

/** The answer to "is all well?": bad, somebody is not served; warn, something is down, and others stand in for it. */
export interface Verdict {
  readonly look: "ok" | "warn" | "bad";
  /** "nobody serves web, 2 servers down in 1 of 3 listens", "all 12 servers up" */
  readonly text: string;
}

/** Judges by what `status` takes for a problem. */
export function verdictOf(snapshot: Snapshot): Verdict {
  const { process, servers, listens } = findProblems(snapshot);
  const faults = [
    ...(process.length > 0 ? ["crash loop: nobody is served"] : []),
    ...unserved(listens, snapshot.listens.length),
    ...routerFaults(snapshot),
  ];
  const down = downText(snapshot, new Set(servers));
  const stopping = snapshot.process.stopping ? ["stopping: no new connections are accepted"] : [];
  const parts = [...faults, ...down, ...stopping];
  if (parts.length === 0) return { look: "ok", text: allWell(snapshot) };
  return { look: faults.length > 0 ? "bad" : "warn", text: parts.join(", ") };
}

function unserved(names: readonly string[], listens: number): string[] {
  if (names.length === 0) return [];
  if (names.length === 1) return [`nobody serves ${names[0]}`];
  return [
    names.length === listens ? `nobody serves any of ${listens} listens` : `nobody serves ${names.length} listens`,
  ];
}

function routerFaults({ vrrp }: Snapshot): string[] {
  if (vrrp === null) return [];
  const bad = vrrp.instances.filter((instance) => instanceTone(instance) === "red");
  if (bad.length > 1) return [`${bad.length} of ${vrrp.instances.length} virtual routers in trouble`];
  return bad.map(({ name, state }) => (state === "FAULT" ? `${name} is in FAULT` : `${name} is ${state} in trouble`));
}

/** `down`: as "web/srv1". */
function downText({ listens }: Snapshot, down: ReadonlySet<string>): string[] {
  if (down.size === 0) return [];
  const all = listens.reduce((sum, { servers }) => sum + servers.length, 0);
  if (listens.length === 1) return [`${down.size} of ${all} server${plural(all)} down`];
  const hit = listens.filter(({ name, servers }) => servers.some((server) => down.has(`${name}/${server.name}`)));
  return [`${down.size} server${plural(down.size)} down in ${hit.length} of ${listens.length} listens`];
}

function allWell({ listens }: Snapshot): string {
  const servers = listens.flatMap((listen) => listen.servers);
  if (listens.length === 0) return "no listens";
  if (servers.length === 0) return "no servers";
  const up = count(servers, "ok", "warn");
  const others = [
    [count(servers, "none"), "not checked"],
    [count(servers, "maint"), "in maintenance"],
    [count(servers, "drain"), "draining"],
  ].flatMap(([number, words]) => (number === 0 ? [] : [`${number} ${words}`]));
  if (others.length === 0) return up === 1 ? "the one server is up" : `all ${up} servers up`;
  const checked =
    up === 0 ? `${servers.length} server${plural(servers.length)}` : `${up} of ${servers.length} servers up`;
  return [checked, ...others].join(", ");
}

function count(servers: readonly ServerSnapshot[], ...looks: string[]): number {
  return servers.filter((server) => looks.includes(serverLook(server))).length;
}
