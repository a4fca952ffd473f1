import type { Rival, StateChange } from "./event.ts";

/** One line of keepalived's `vrrp_notify_fifo`: `INSTANCE "VI_1" MASTER 101`, `GROUP "G1" FAULT 0`. */
export function changeLine({ kind, instance, state, priority }: StateChange): string {
  return `${kind} "${instance}" ${state} ${priority}\n`;
}

/** `INSTANCE "VI_1" MASTER_RX_LOWER_PRI 101`, with our own priority. */
export function rivalLine({ instance, priority }: Rival): string {
  return `INSTANCE "${instance}" MASTER_RX_LOWER_PRI ${priority}\n`;
}
