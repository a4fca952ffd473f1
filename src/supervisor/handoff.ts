import type { Config } from "../config/schema.ts";
import { HANDOFF_VARIABLE, type SteeringSignal } from "../core/earlySignals.ts";
import type { Endpoint } from "../core/endpoint.ts";
import type { ChannelRest } from "../net/lineChannel.ts";
import { leaveNote, readNote } from "../net/note.ts";
import type { Inheritance } from "../proxy/inheritance.ts";
import type { HealthReport } from "../proxy/protocol.ts";
import type { JournalEvent } from "../stats/event.ts";
import type { VrrpHandoff } from "../vrrp/handoff.ts";

/** What both programs of an upgrade must mean the same by; another number refuses the upgrade before anything happens. */
export const HANDOFF_VERSION = 2;

/**
 * What one program tells the other when it executes it in its own place: all that is open, and all that the new one cannot
 * find out. Descriptors are numbers of the process, which stays the same.
 */
export interface Handoff {
  readonly version: number;
  readonly pid: number;
  /** What it was and what ordered the upgrade, for people. */
  readonly from: string;
  readonly by: string;
  /** Command line of the program, for the next upgrade. */
  readonly program: readonly string[];
  /** Whether SIGHUP was ignored when it was started: it cannot be told any more. */
  readonly hangupIgnored: boolean;
  /** What has come and is still to be acted on, and who has ordered a reload that has not begun. */
  readonly signals: readonly SteeringSignal[];
  readonly reload: string | null;
  /** Why an upgrade was called off: this program was there before and is there again. null: this is the upgrade. */
  readonly failure: string | null;
  /** The executable of whoever hands over, to be executed again should the new one fail; null: nothing to go back to. */
  readonly executable: number | null;
  /** What ran before, for the program that is executed again should the new one fail: the file may say something else. */
  readonly config: Config;
  readonly listeners: readonly OpenListener[];
  readonly admin: OpenListener;
  readonly pidFile: { readonly path: string; readonly fd: number } | null;
  /** The proxy process that serves, and those that finish their connections. */
  readonly proxy: OpenProxy;
  readonly retired: readonly OpenProxy[];
  /** The process that sends adverts meanwhile, until its channel is closed; null: none is needed. */
  readonly standIn: OpenProcess | null;
  readonly health: HealthReport | null;
  /** How the servers stood so long ago, for the process that follows the one that serves if that crashes; null: not known. */
  readonly standing: { readonly known: Inheritance; readonly agoMs: number } | null;
  readonly startedWallMs: number;
  readonly restarts: number;
  readonly vrrp: VrrpHandoff | null;
  /** What has happened so far; left out by versions that keep no account. */
  readonly journal?: readonly JournalEvent[];
}

export interface OpenListener {
  /** What the proxy process knows it by. */
  readonly id: number;
  readonly endpoint: Endpoint;
  readonly fds: number[];
}

/** A process of ours, and our end of the channel to it that survives an execution. */
export interface OpenProcess {
  readonly pid: number;
  readonly channel: number;
}

/** A proxy process, and our end of what passes open files to it as well. */
export interface OpenProxy extends OpenProcess {
  readonly passing: number;
  /** What is under way on its channel. */
  readonly rest: ChannelRest;
}

/** All descriptors that a handoff speaks of. */
export function descriptorsOf({ executable, listeners, admin, pidFile, proxy, retired, standIn }: Handoff): number[] {
  return [
    ...(executable === null ? [] : [executable]),
    ...[...listeners, admin].flatMap(({ fds }) => fds),
    ...(pidFile === null ? [] : [pidFile.fd]),
    ...[proxy, ...retired].map(({ passing }) => passing),
    ...[proxy, ...retired, ...(standIn === null ? [] : [standIn])].map(({ channel }) => channel),
  ];
}

/** Writes a handoff where {@link takeHandoff} finds it, and returns that descriptor and the environment to execute with. Throws when it cannot. */
export function putHandoff(
  handoff: Handoff,
  environment: Readonly<Record<string, string | undefined>>,
): { fd: number; environment: Record<string, string | undefined> } {
  const fd = leaveHandoff(handoff);
  return { fd, environment: { ...environment, [HANDOFF_VARIABLE]: String(fd) } };
}

/** All that is open and running comes first: the journal goes along as far as there is room for it. */
function leaveHandoff(handoff: Handoff): number {
  for (let events = handoff.journal ?? []; ; events = events.slice(Math.ceil(events.length / 2))) {
    try {
      return leaveNote(Buffer.from(JSON.stringify({ ...handoff, journal: events })));
    } catch (error) {
      if (events.length === 0) throw error;
    }
  }
}

/** The handoff that this program was executed with; null: it was started in the usual way. Found once: whoever we start has none. */
export function takeHandoff(environment: Record<string, string | undefined>): Handoff | null {
  const named = environment[HANDOFF_VARIABLE];
  delete environment[HANDOFF_VARIABLE];
  if (named === undefined || !/^\d+$/.test(named)) return null;
  try {
    const handoff = JSON.parse(readNote(Number(named))) as Handoff;
    return handoff.version === HANDOFF_VERSION && handoff.pid === process.pid ? handoff : null;
  } catch {
    return null; // left over in an environment, and no descriptor of ours
  }
}
