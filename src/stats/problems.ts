import { assertNever } from "../core/errors.ts";
import type { CrashLoop, ProcessSnapshot, ServerSnapshot, Snapshot, VrrpStatus } from "./snapshot.ts";
import type { VrrpInstanceSnapshot } from "./vrrpSnapshot.ts";

/** A host that answered for an address of ours is a rival for so long after its last answer. */
const RIVAL_MS = 120_000;
/** The supervisor tells about its virtual routers much oftener than this. */
const STALE_MS = 10_000;

/** What is wrong; nothing of it: healthy. */
export interface Problems {
  /** Sentences about the process as a whole. */
  process: string[];
  /** "web/srv1": servers that checks, or a missing address, took out. One that a person took out is none. */
  servers: string[];
  /** "web": listens that nobody serves. */
  listens: string[];
  /** Sentences: virtual routers that cannot own their addresses, or own them in name only. A BACKUP is healthy. */
  routers: string[];
}

/** Judges a snapshot. */
export function findProblems({ process, listens, vrrp }: Snapshot): Problems {
  return {
    process: processProblems(process),
    servers: listens.flatMap(({ name, servers }) => servers.filter(isDown).map((server) => `${name}/${server.name}`)),
    listens: listens
      .filter(({ available, leavingForMs }) => !available && (leavingForMs ?? null) === null)
      .map(({ name }) => name),
    routers: vrrp === null ? [] : [...silence(vrrp), ...vrrp.instances.flatMap(routerProblems)],
  };
}

/** Sentences about what is wrong with the process as a whole. */
export function processProblems({ crashLoop, hang }: ProcessSnapshot): string[] {
  return [...(crashLoop === null ? [] : [crashLoopText(crashLoop)]), ...(hang === null ? [] : [hang])];
}

function crashLoopText({ crashes, reason, nextStartMs }: CrashLoop): string {
  const times = `${crashes} time${crashes === 1 ? "" : "s"} in a row`;
  const wait = `next start in ${Math.max(1, Math.ceil(nextStartMs / 1000))} s`;
  return `crash loop: ${wait}; the proxy process has ended ${times} (${reason}), nobody is served meanwhile`;
}

function isDown({ admin, up, unresolved, leavingForMs }: ServerSnapshot): boolean {
  return (leavingForMs ?? null) === null && admin === "ready" && (!up || unresolved);
}

function silence({ ageMs }: VrrpStatus): string[] {
  if (ageMs < STALE_MS) return [];
  return [`the supervisor is silent: the virtual routers are shown as they were ${Math.floor(ageMs / 1000)} s ago`];
}

/** Sentences about what is wrong with one virtual router. */
export function routerProblems(instance: VrrpInstanceSnapshot): string[] {
  const { name, state, faults } = instance;
  switch (state) {
    case "FAULT":
      return [`${name} is in FAULT${faults.length === 0 ? "" : `: ${faults.join("; ")}`}`];
    case "MASTER":
      return [...missing(instance), ...rivals(instance)];
    case "BACKUP":
      return [...leftBehind(instance), ...nobodys(instance)];
    case "INIT":
      return [];
    default:
      return assertNever(state);
  }
}

function missing({ name, addresses }: VrrpInstanceSnapshot): string[] {
  const absent = addresses.filter(({ present }) => !present).map(({ address }) => address);
  return absent.length === 0 ? [] : [`${name} is MASTER without ${absent.join(", ")}`];
}

function rivals({ name, rivals }: VrrpInstanceSnapshot): string[] {
  const recent = rivals.filter(({ agoMs }) => agoMs < RIVAL_MS).map(({ address, mac }) => `${mac} for ${address}`);
  return recent.length === 0 ? [] : [`${name} is MASTER, but others answer for its addresses: ${recent.join(", ")}`];
}

/** An operator's order keeps it from what nobody else does. A program of another version knows no such order. */
function nobodys(instance: VrrpInstanceSnapshot): string[] {
  if (instance.released?.hold !== true || isHeard(instance)) return [];
  return [`${instance.name} is held by an operator, and no other router has its addresses`];
}

/** Whether another router has spoken lately enough to count as MASTER. */
export function isHeard({ peer, masterDownMs }: VrrpInstanceSnapshot): boolean {
  return peer !== null && peer.priority > 0 && peer.agoMs < masterDownMs;
}

/** An owner has its addresses whatever it is; anybody else then answers along with the MASTER. */
function leftBehind({ name, addresses, priority }: VrrpInstanceSnapshot): string[] {
  const kept = addresses.filter(({ present }) => present).map(({ address }) => address);
  return kept.length === 0 || priority.base === 255 ? [] : [`${name} is BACKUP, but has ${kept.join(", ")}`];
}
