import { readdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { procStatus } from "../process/stand.ts";

/** Whether a proxy process has been told to serve. */
export function hasRelayThread(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).some(
    (id) => readFileSync(`/proc/${pid}/task/${id}/comm`, "latin1") === "Worker\n",
  );
}

/** Looks without a pause: what it waits for lasts less than a millisecond. */
export function catchInstant(what: string, look: () => boolean): void {
  const deadlineMs = performance.now() + 10_000;
  while (!look()) if (performance.now() > deadlineMs) throw new Error(`${what} was not seen`);
}

/** Whether a process's main thread keeps a signal out. */
export function blocks(pid: number, signal: NodeJS.Signals): boolean {
  return ((BigInt(`0x${procStatus(pid, "SigBlk")}`) >> BigInt(constants.signals[signal] - 1)) & 1n) === 1n;
}

/** Whether a process has been executed by another program in its place. */
export function isSuccessor(pid: number): boolean {
  return readFileSync(`/proc/${pid}/environ`, "latin1").includes("HAPROXY_LITE_HANDOFF=");
}
