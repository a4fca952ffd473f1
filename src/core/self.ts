/** Argument that makes this program a proxy process; process lists show it, after the program's name. */
export const PROXY_PROCESS = "(proxy)";

/** Argument that asks this program whether it can take the place of one that runs, see cli/successor.ts. */
export const SUCCESSOR_CHECK = "(successor)";

/** Argument that makes this program send the adverts of one that executes another, see supervisor/standIn.ts. */
export const STAND_IN = "(standin)";

/**
 * The environment of a process of ours, from our own: without what the service manager says to the main process alone
 * (sd_notify(3), sd_watchdog_enabled(3)).
 */
export function childEnvironment(
  ours: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  return { ...ours, NOTIFY_SOCKET: undefined, WATCHDOG_USEC: undefined, WATCHDOG_PID: undefined };
}

/** The command line that runs this program again: the executable, or Bun and the script when run from source. */
export function selfCommand(): string[] {
  return Bun.isStandaloneExecutable ? [process.execPath] : [process.execPath, Bun.main];
}
