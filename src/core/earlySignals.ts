import { readFileSync } from "node:fs";
import { constants } from "node:os";

/** Tells a program that it was executed in the place of another, and where the handoff is: see supervisor/handoff.ts. */
export const HANDOFF_VARIABLE = "HAPROXY_LITE_HANDOFF";

/** The signals that a supervisor is steered by. */
export const STEERING_SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR2"] as const;
export type SteeringSignal = (typeof STEERING_SIGNALS)[number];

const came: SteeringSignal[] = [];
const hold = (signal: NodeJS.Signals): void => {
  came.push(signal as SteeringSignal);
};

/**
 * For a program that takes the place of another: keeps the signals that come before it is ready for them, and those that came
 * on the way from one to the other (see net/heldSignals.ts). It is the first thing to be called: whenever the runtime waits
 * for something it lets in what is blocked, and a signal without a handler would end the process.
 */
export function holdSignals(): void {
  if (process.env[HANDOFF_VARIABLE] === undefined) return;
  came.push(...STEERING_SIGNALS.filter(isIgnored));
  for (const signal of STEERING_SIGNALS) process.on(signal, hold);
}

/** The signals that were kept, in their order; from now on others look after them, whose handlers are there already. */
export function takeHeldSignals(): SteeringSignal[] {
  for (const signal of STEERING_SIGNALS) process.off(signal, hold);
  return came.splice(0);
}

/** Whether a signal does nothing: nohup(1) says so of SIGHUP before it starts us. */
export function isIgnored(signal: NodeJS.Signals): boolean {
  const ignored = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1] ?? "0";
  return ((BigInt(`0x${ignored}`) >> BigInt(constants.signals[signal] - 1)) & 1n) === 1n;
}
