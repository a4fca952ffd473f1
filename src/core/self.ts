/** Argument that makes this program a proxy process. */
export const PROXY_PROCESS = "__proxy";

/** The command line that runs this program again: the executable, or Bun and the script when run from source. */
export function selfCommand(): string[] {
  return Bun.isStandaloneExecutable ? [process.execPath] : [process.execPath, Bun.main];
}

/** Our environment without the runtime's own switches (BUN_OPTIONS, BUN_BE_BUN, …): what we start is to be what we are. */
export function selfEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("BUN_")));
}
