import type { Snapshot } from "../stats/snapshot.ts";
import { type HttpResponse, plain } from "./response.ts";

/** How a monitor is answered. */
export interface HealthAnswer {
  readonly healthy: boolean;
  /** In a line. */
  readonly text: string;
  readonly process: "serving" | "stopping" | "hung";
  readonly listens: readonly { readonly name: string; readonly healthy: boolean; readonly usable: number }[];
  /** State of each virtual router: no reason to be healthy or not, but what somebody may look for. */
  readonly vrrp: Readonly<Record<string, string>>;
}

/**
 * Whether clients that come now are served: the process accepts, its threads turn, and every listen that was asked for has
 * a server that takes sessions. A listen without any server is not judged. null: one that was asked for is not there.
 *
 * @param lateThread a relay thread whose event loop stands still; null: none
 * @param wanted names of listens; empty: all
 */
export function judgeHealth(
  snapshot: Snapshot,
  lateThread: number | null,
  wanted: readonly string[],
): HealthAnswer | null {
  const present = snapshot.listens.filter(({ leavingForMs }) => leavingForMs === null);
  const named = wanted.length === 0 ? present : present.filter(({ name }) => wanted.includes(name));
  if (named.length < new Set(wanted).size) return null;
  const listens = named.map(({ name, available, usable, servers }) => ({
    name,
    healthy: available || servers.length === 0,
    usable: usable.active + usable.backup,
  }));
  const process = snapshot.process.stopping ? "stopping" : lateThread === null ? "serving" : "hung";
  const down = listens.filter(({ healthy }) => !healthy).map(({ name }) => name);
  const vrrp = Object.fromEntries((snapshot.vrrp?.instances ?? []).map(({ name, state }) => [name, state]));
  return {
    healthy: process === "serving" && down.length === 0,
    text: sentence(process, down, listens.length),
    process,
    listens,
    vrrp,
  };
}

function sentence(process: HealthAnswer["process"], down: readonly string[], listens: number): string {
  if (process === "stopping") return "stopping: nobody new is accepted";
  if (process === "hung") return "a relay thread hangs";
  if (down.length > 0) return `no server for ${down.join(", ")}`;
  return `ok: ${listens} listen${listens === 1 ? "" : "s"} served`;
}

/** The answer to a monitor: 200 or 503. One who may not see the page learns no more than that. */
export function healthResponse(answer: HealthAnswer, wantsJson: boolean, mayKnow: boolean): HttpResponse {
  const status = answer.healthy ? 200 : 503;
  const headers = { "cache-control": "no-store" };
  const word = answer.healthy ? "ok" : "unavailable";
  if (!wantsJson) return plain(status, mayKnow ? answer.text : word, headers);
  const { text, process, listens, vrrp } = answer;
  const details = mayKnow ? { text, process, listens, vrrp } : {};
  const body = `${JSON.stringify({ status: word, ...details })}\n`;
  return { status, headers: { "content-type": "application/json", ...headers }, body };
}
