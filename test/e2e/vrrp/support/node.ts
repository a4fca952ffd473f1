import { readFileSync } from "node:fs";
import { run } from "../../../support/process.ts";
import type { UntilOptions } from "../../../support/until.ts";
import type { Host } from "./lan.ts";

/** A load balancer with a virtual router on a host of the LAN: ours, or haproxy and keepalived. */
export interface Node {
  readonly kind: Kind;
  readonly host: Host;
  /** Everything its processes said so far. */
  output(): string;
  /** SIGTERM as an init system sends it; resolves when all processes have ended. */
  stop(options?: UntilOptions): Promise<void>;
  /** Pid of the process that relays the clients' bytes. */
  proxyPid(): number | Promise<number>;
}

export type Kind = "haproxy-lite" | "keepalived";

/** Pids of all processes in a host's namespace. */
export async function pidsOf(host: Host): Promise<number[]> {
  // Asked from outside: inside, the asker would be one of them.
  const said = await run(["ip", "netns", "pids", host.ns.name]);
  return said.stdout.split("\n").filter(Boolean).map(Number);
}

/** Name of a process as the kernel has it, cut to 15 characters; "" when it is gone. */
export function commOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "latin1").trim();
  } catch {
    return "";
  }
}

/** Sends a signal, and says whether there was anybody to send it to. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}
