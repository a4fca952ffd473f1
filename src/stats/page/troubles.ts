import { humanCount } from "../humanise.ts";
import { findProblems } from "../problems.ts";
import type { ListenSnapshot, ServerSnapshot, Snapshot } from "../snapshot.ts";
import { plural, result } from "../wording.ts";
import { instanceId, listenId, serverId } from "./anchors.ts";
import { type Look, serverLook } from "./states.ts";

/** Something to be seen first. */
export interface Trouble {
  readonly look: Look;
  /** What it is about, "" for the process, and the id of its place on the page. */
  readonly name: string;
  readonly id: string | null;
  readonly what: string;
  /** For how long; null: not known. */
  readonly forMs: number | null;
  readonly why: string;
}

/**
 * What is wrong, worst first: the process, virtual routers, listens that nobody serves, servers that are down; then what may
 * surprise: limits that are reached, and servers that a person has taken out.
 */
export function troublesOf(snapshot: Snapshot): Trouble[] {
  const { process, routers } = findProblems(snapshot);
  const { listens } = snapshot;
  return [
    ...process.map((sentence) => ofProcess("bad", sentence)),
    ...(snapshot.process.stopping ? [ofProcess("warn", "stopping: no new connections are accepted")] : []),
    ...routers.map((sentence) => ofRouter(sentence, snapshot)),
    ...listens.filter(({ status }) => status === "DOWN").map(unservedListen),
    ...listens.flatMap((listen) => ofServers(listen, (look) => look === "bad")),
    ...listens.filter(({ status }) => status === "FULL").map((listen) => fullListen(listen, snapshot)),
    ...listens.flatMap((listen) => ofServers(listen, (look) => look === "maint" || look === "drain")),
  ];
}

function ofProcess(look: Look, what: string): Trouble {
  return { look, name: "", id: null, what, forMs: null, why: "" };
}

function ofRouter(sentence: string, { vrrp }: Snapshot): Trouble {
  const instance = vrrp?.instances.find(({ name }) => sentence.startsWith(`${name} is `));
  if (instance === undefined) return ofProcess("bad", sentence);
  const { name, inStateMs } = instance;
  return {
    look: "bad",
    name,
    id: instanceId(name),
    what: sentence.slice(name.length + 1),
    forMs: inStateMs,
    why: "",
  };
}

function unservedListen(listen: ListenSnapshot): Trouble {
  const { name, servers, inStateMs } = listen;
  const looks = servers.map(serverLook);
  const counted = (look: Look, words: string) => {
    const number = looks.filter((each) => each === look).length;
    return number === 0 ? [] : [`${number} ${words}`];
  };
  const why = [...counted("bad", "down"), ...counted("maint", "in maintenance"), ...counted("drain", "draining")];
  return {
    look: "bad",
    name,
    id: listenId(name),
    what: "nobody serves it",
    forMs: inStateMs,
    why:
      servers.length === 0
        ? "it has no servers"
        : `of ${servers.length} server${plural(servers.length)} ${why.join(", ")}`,
  };
}

function fullListen({ name, sessions }: ListenSnapshot, { process }: Snapshot): Trouble {
  const { current, limit } = sessions;
  const own = limit !== null && current >= limit;
  const why = own
    ? `${humanCount(current)} sessions are its limit`
    : `${process.connections.limit} connections are the limit of the process`;
  return { look: "warn", name, id: listenId(name), what: "FULL: new clients wait", forMs: null, why };
}

function ofServers(listen: ListenSnapshot, wanted: (look: Look) => boolean): Trouble[] {
  return listen.servers.flatMap((server) => {
    const look = serverLook(server);
    return wanted(look) && server.leavingForMs === null ? [serverTrouble(listen, server, look)] : [];
  });
}

function serverTrouble(listen: ListenSnapshot, server: ServerSnapshot, look: Look): Trouble {
  return {
    look,
    name: `${listen.name}/${server.name}`,
    id: serverId(listen.name, server.name),
    what: server.status,
    forMs: server.inStateMs,
    why: whyOut(server, look),
  };
}

function whyOut({ unresolved, check, weight, admin }: ServerSnapshot, look: Look): string {
  if (unresolved) return "its name has no address";
  if (look === "bad") return result(check);
  return look === "drain" && admin === "ready" && weight.configured === 0 ? "its weight is 0" : "taken out by hand";
}
