/** Argument that makes this program a proxy process. */
export const PROXY_PROCESS = "__proxy";

/** The command line that runs this program again: the executable, or Bun and the script when run from source. */
export function selfCommand(): string[] {
  return Bun.isStandaloneExecutable ? [process.execPath] : [process.execPath, Bun.main];
}
