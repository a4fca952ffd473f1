import { UserError } from "../../core/errors.ts";
import { isoSecond } from "../../log/localTime.ts";
import { humanBytes, humanCount, humanDuration } from "../../stats/humanise.ts";
import { printable } from "../../stats/printable.ts";
import type { Snapshot } from "../../stats/snapshot.ts";
import { renderStatus } from "../../stats/table.ts";
import { lastCheck } from "../../stats/wording.ts";
import { ExitCode } from "../exit.ts";
import { rateText } from "./bars.ts";
import { type Flows, measure, PROCESS, serverKey } from "./flows.ts";
import type { Oracle } from "./look.ts";

/** What has been printed so far is the frame for what comes. */
interface Told {
  readonly snapshot: Snapshot | null;
  readonly flows: Flows;
  /** Since when nobody answers, epoch ms; null: somebody does. */
  readonly lostWallMs: number | null;
}

/** Lines for this look, and what they leave told. `reason`: why there is no answer. */
export function tell(
  before: Told,
  found: Snapshot | { reason: string },
  wallMs: number,
  width: number,
): [string[], Told] {
  const stamp = isoSecond(wallMs).replace("T", " ");
  if ("reason" in found) {
    const lines = before.lostWallMs === null ? [`${stamp} NO ANSWER: ${printable(found.reason)}`] : [];
    return [lines, { ...before, lostWallMs: before.lostWallMs ?? wallMs }];
  }
  const flows = measure(before.snapshot, before.flows, found);
  const told: Told = { snapshot: found, flows, lostWallMs: null };
  if (before.snapshot === null) {
    return [[stamp, ...renderStatus(found, { colour: false, width }).trimEnd().split("\n"), ""], told];
  }
  const back = before.lostWallMs === null ? [] : [`answers again, after ${humanDuration(wallMs - before.lostWallMs)}`];
  const all = [...back, ...changes(before.snapshot, found), summary(found, flows)];
  return [all.map((line) => `${stamp} ${printable(line)}`), told];
}

/** Told of nothing. */
export const NOTHING_TOLD: Told = { snapshot: null, flows: new Map(), lostWallMs: null };

/** A sentence for each state that is another than before. */
function changes(before: Snapshot, now: Snapshot): string[] {
  const [former, present] = [statesOf(before), statesOf(now)];
  const gone = [...former.keys()].filter((name) => !present.has(name)).map((name) => `${name} is gone`);
  const changed = [...present].flatMap(([name, { state, because }]) => {
    const was = former.get(name)?.state;
    if (was === state) return [];
    const cause = because === "" ? "" : `: ${because}`;
    return [was === undefined ? `${name} is new: ${state}${cause}` : `${name} ${was} -> ${state}${cause}`];
  });
  return [...gone, ...changed];
}

function statesOf({ listens, vrrp }: Snapshot): Map<string, { state: string; because: string }> {
  const states = new Map<string, { state: string; because: string }>();
  for (const { name, status, servers } of listens) {
    states.set(`listen ${name}`, { state: status, because: "" });
    for (const { name: server, status: state, check } of servers) {
      const because = check === null || state === "MAINT" ? "" : lastCheck(check);
      states.set(`server ${serverKey(name, server)}`, { state, because });
    }
  }
  for (const { name, state, lastTransition } of vrrp?.instances ?? []) {
    states.set(`VRRP ${name}`, { state, because: lastTransition?.cause ?? "" });
  }
  return states;
}

/** How all of it goes, on one line. */
function summary({ process, listens }: Snapshot, flows: Flows): string {
  const flow = flows.get(PROCESS);
  const servers = listens.flatMap((listen) => listen.servers);
  const up = servers.filter((server) => server.up && !server.unresolved && server.admin === "ready").length;
  const bytes = (perSecond: number | null | undefined) =>
    perSecond === null || perSecond === undefined ? "-" : `${humanBytes(perSecond)}/s`;
  return [
    `${listens.filter(({ available }) => available).length}/${listens.length} listens up`,
    `${up}/${servers.length} servers up`,
    `${humanCount(process.connections.current)}/${process.connections.limit} connections`,
    `${rateText(flow?.sessionsPerS ?? null)}/s`,
    `in ${bytes(flow?.inPerS)}`,
    `out ${bytes(flow?.outPerS)}`,
  ].join(", ");
}

/**
 * Looks again and again and says what is new, in plain lines, for as long as `write` takes them: 0 then. Throws what the
 * oracle throws that is not for people.
 */
export async function watchPlainly(
  oracle: Oracle,
  intervalMs: number,
  width: number,
  write: (text: string) => boolean,
): Promise<number> {
  let told = NOTHING_TOLD;
  let dueMs = performance.now();
  for (;;) {
    const found = await oracle.ask("show status").then(oracle.parse).catch(reasonOf);
    const [lines, now] = tell(told, found, Date.now(), width);
    told = now;
    if (lines.length > 0 && !write(`${lines.join("\n")}\n`)) return ExitCode.ok;
    dueMs = Math.max(dueMs + intervalMs, performance.now());
    await Bun.sleep(dueMs - performance.now());
  }
}

function reasonOf(error: unknown): { reason: string } {
  if (error instanceof UserError) return { reason: error.message };
  throw error;
}
