/** Tells a program that it was executed in the place of another, and where the handoff is: see supervisor/handoff.ts. */
export const HANDOFF_VARIABLE = "HAPROXY_LITE_HANDOFF";

const HELD = ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR2"] as const;
const came: NodeJS.Signals[] = [];
const hold = (signal: NodeJS.Signals): void => {
  came.push(signal);
};

/**
 * For a program that takes the place of another: keeps the signals that come before it is ready for them. Until this is
 * called they are ignored, for without a handler they would end the process: so it is the first thing to be called.
 */
export function holdSignals(): void {
  if (process.env[HANDOFF_VARIABLE] === undefined) return;
  for (const signal of HELD) process.on(signal, hold);
}

/** The signals that were kept, in their order; from now on others look after them, whose handlers are there already. */
export function takeHeldSignals(): NodeJS.Signals[] {
  for (const signal of HELD) process.off(signal, hold);
  return came.splice(0);
}
