import { readdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { procStatus } from "../process/stand.ts";

/** Whether a proxy process has been told to serve. */
export function hasRelayThread(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).some(
    (id) => readFileSync(`/proc/${pid}/task/${id}/comm`, "latin1") === "Worker\n",
  );
}

/** Looks without a pause for what lasts less than a millisecond, for half a second: whether it was seen. */
export function seesInstant(look: () => boolean, lookMs = 500): boolean {
  const deadlineMs = performance.now() + lookMs;
  while (!look()) if (performance.now() > deadlineMs) return false;
  return true;
}

/** Looks without a pause for what stays once it is there. */
export function catchInstant(what: string, look: () => boolean): void {
  if (!seesInstant(look, 10_000)) throw new Error(`${what} was not seen`);
}

/** Whether a process's main thread keeps a signal out. */
export function blocks(pid: number, signal: NodeJS.Signals): boolean {
  return ((BigInt(`0x${procStatus(pid, "SigBlk")}`) >> BigInt(constants.signals[signal] - 1)) & 1n) === 1n;
}

/** Whether a process has been executed by another program in its place. */
export function isSuccessor(pid: number): boolean {
  return readFileSync(`/proc/${pid}/environ`, "latin1").includes("HAPROXY_LITE_HANDOFF=");
}
