import type { Standing } from "../stats/standing.ts";
import { type HttpResponse, plain } from "./response.ts";

/** How a monitor is answered. */
export interface HealthAnswer {
  readonly healthy: boolean;
  /** In a line. */
  readonly text: string;
  readonly process: "serving" | "stopping" | "hung" | "crashed";
  readonly listens: readonly { readonly name: string; readonly healthy: boolean; readonly usable: number }[];
  /** State of each virtual router: no reason to be healthy or not, but what somebody may look for. */
  readonly vrrp: Readonly<Record<string, string>>;
}

/**
 * Whether clients that come now are served: the process accepts, its threads turn, and every listen that was asked for has
 * a server that takes sessions. A listen without any server is not judged. null: one that was asked for is not there.
 *
 * @param wanted names of listens; empty: all
 */
export function judgeHealth(standing: Standing, wanted: readonly string[]): HealthAnswer | null {
  const process = stateOf(standing.process);
  const { gone, state } = process;
  const named = wanted.length === 0 ? standing.listens : standing.listens.filter(({ name }) => wanted.includes(name));
  // Of a process that is not there the listens are not known.
  if (named.length < new Set(wanted).size && !gone) return null;
  const listens = named.map(({ name, available, usable, servers }) => ({
    name,
    healthy: available || servers.length === 0,
    usable: usable.active + usable.backup,
  }));
  const down = listens.filter(({ healthy }) => !healthy).map(({ name }) => name);
  const vrrp = Object.fromEntries(standing.routers.map(({ name, state }) => [name, state]));
  return {
    healthy: state === "serving" && down.length === 0,
    text: process.text ?? sentence(down, listens.length),
    process: state,
    listens,
    vrrp,
  };
}

/** `text` null: there is more to be said than that it serves; `gone`: no proxy process serves. */
function stateOf(process: Standing["process"]): { state: HealthAnswer["process"]; text: string | null; gone: boolean } {
  if (process.crashLoop !== null) return { state: "crashed", text: "the proxy process keeps ending", gone: true };
  if (process.hang !== null) return { state: "hung", text: process.hang, gone: true };
  if (process.stopping) return { state: "stopping", text: "stopping: nobody new is accepted", gone: false };
  return { state: "serving", text: null, gone: false };
}

function sentence(down: readonly string[], listens: number): string {
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
