/** sudo and cron leave half of it out. */
const SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** No tool of the host's may hold an installation up for ever. */
const TIMEOUT_MS = 90_000;

/** How a tool of the host ended; `output` is what it said on both streams, trimmed. */
export interface ToolResult {
  ok: boolean;
  output: string;
}

/** Absolute path of a tool of this host; null: it is not here. */
export function findTool(name: string): string | null {
  return Bun.which(name, { PATH: SEARCH_PATH });
}

/** Runs a tool of this host to its end, in English. */
export function runTool(argv: readonly string[]): ToolResult {
  const [name = "", ...rest] = argv;
  const path = findTool(name);
  if (path === null) return { ok: false, output: `${name} is not on this host` };
  const env = { PATH: SEARCH_PATH, LC_ALL: "C", HOME: "/root" };
  const done = Bun.spawnSync([path, ...rest], { env, stdin: "ignore", timeout: TIMEOUT_MS });
  return { ok: done.exitCode === 0, output: `${done.stdout}${done.stderr}`.trim() };
}
