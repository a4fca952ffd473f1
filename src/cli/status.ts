import { readFileSync } from "node:fs";
import { AdminError, request } from "../admin/client.ts";
import { defaultAdminSocket } from "../admin/socketPath.ts";
import { UserError } from "../core/errors.ts";
import { findProblems } from "../stats/problems.ts";
import type { Snapshot } from "../stats/snapshot.ts";
import { renderStatus } from "../stats/table.ts";
import { command } from "./command.ts";
import { ExitCode } from "./exit.ts";
import { print, wantsColour } from "./print.ts";

/** Where an installed service has its configuration. */
const SYSTEM_CONFIG = "/etc/haproxy-lite/haproxy-lite.toml";
const TIMEOUT_MS = 5000;
const WIDTH = 100;

/** `status`: how the running balancer stands; exit 0 healthy, 1 something is down, 3 not running. */
export const statusCommand = command({
  meta: {
    name: "status",
    description: "Show how the running balancer stands: listens, servers, sessions, checks, virtual routers.",
  },
  args: {
    config: {
      type: "string",
      alias: "c",
      valueHint: "FILE",
      description: "configuration file that names the admin socket",
    },
    socket: { type: "string", valueHint: "PATH", description: "admin socket of the running balancer" },
    json: { type: "boolean", description: "print everything as JSON" },
    csv: { type: "boolean", description: 'print the counters as HAProxy\'s "show stat" does' },
    events: { type: "boolean", description: "what has happened and what led to it, newest last; with --json too" },
    why: {
      type: "string",
      valueHint: "NAME",
      description: "explain the state of a server, listen, virtual router or its address; with --json too",
    },
    watch: {
      type: "boolean",
      description: "show it live, full screen; ? tells the keys; plain lines when not on a terminal",
    },
    interval: { type: "string", valueHint: "TIME", description: "time between two looks of --watch; default 1s" },
  },
  async run({ args }) {
    refuseTogether(args);
    if (args.watch) return await startWatch(args);
    if (args.csv) return await printCsv(args);
    if (args.events) return await startEvents(args);
    if (args.why !== undefined) return await startWhy(args, args.why);
    const snapshot = parseAnswer(await askFirst(await findSockets(args, thisPlace())));
    const colour = wantsColour("stdout");
    print(
      "stdout",
      args.json ? `${JSON.stringify(snapshot, null, 2)}\n` : renderStatus(snapshot, { colour, width: WIDTH }),
    );
    return exitStatus(snapshot);
  },
});

interface Asked {
  socket?: string | undefined;
  config?: string | undefined;
}

interface Ways {
  json?: boolean | undefined;
  csv?: boolean | undefined;
  watch?: boolean | undefined;
  events?: boolean | undefined;
  why?: string | undefined;
  interval?: string | undefined;
}

/** One way of saying it at a time. Throws UserError. */
function refuseTogether(args: Ways): void {
  const said = (["csv", "watch", "events", "why"] as const).filter(
    (flag) => args[flag] !== undefined && args[flag] !== false,
  );
  const given = [...(args.json && (args.csv || args.watch) ? (["json"] as const) : []), ...said];
  if (given.length > 1) {
    throw new UserError(`${given.map((flag) => `--${flag}`).join(" and ")} do not go together`, ExitCode.usage);
  }
  if (args.interval !== undefined && !args.watch) throw new UserError("--interval is for --watch", ExitCode.usage);
}

/** The sockets are looked for anew each time: a balancer that is started with another file meanwhile is found. */
async function startWatch(args: Asked & { interval?: string | undefined }): Promise<number> {
  const { readInterval, startWatch } = await import("./watch/start.ts");
  const intervalMs = readInterval(args.interval ?? "1s");
  return await startWatch({ ask: asking(args), parse: parseAnswer }, intervalMs, WIDTH);
}

async function startEvents(args: Asked & Ways): Promise<number> {
  const { printEvents } = await import("./statusEvents.ts");
  const judge = (answer: string) => exitStatus(parseAnswer(answer));
  return await printEvents(asking(args), judge, { json: args.json === true, width: WIDTH });
}

async function startWhy(args: Asked & Ways, name: string): Promise<number> {
  const { printWhy } = await import("./statusWhy.ts");
  return await printWhy(asking(args), name, args.json === true);
}

/** Asks whoever is there now. */
function asking(args: Asked): (command: string) => Promise<string> {
  return async (command) => askFirst(await findSockets(args, thisPlace()), command);
}

/** `show stat` as it comes; the exit status is that of the same moment. */
async function printCsv(args: Asked): Promise<number> {
  const answers = await askFirst(await findSockets(args, thisPlace()), "show stat;show status");
  const end = answers.indexOf("\n\n");
  print("stdout", answers.slice(0, end + 1));
  return exitStatus(parseAnswer(answers.slice(end + 2)));
}

/** 0: healthy; 1: a server is down, a listen has nobody left, or a virtual router cannot do its work. */
export function exitStatus(snapshot: Snapshot): number {
  const problems = Object.values(findProblems(snapshot)).flat();
  return problems.length > 0 ? ExitCode.failed : ExitCode.ok;
}

/** Who asks, and on which host. */
export interface StatusPlace {
  uid: number;
  runtimeDir: string | undefined;
  /** Looked into when no flag says where; may be missing. */
  systemConfig: string;
}

/** Who asks here. */
export function thisPlace(): StatusPlace {
  return {
    uid: process.geteuid?.() ?? 0,
    runtimeDir: process.env.XDG_RUNTIME_DIR,
    systemConfig: SYSTEM_CONFIG,
  };
}

/** Sockets to try, in this order: the one that a flag or its file names; without flags the system's, the user's, root's. */
export async function findSockets(
  { socket, config }: { socket?: string | undefined; config?: string | undefined },
  { uid, runtimeDir, systemConfig }: StatusPlace,
): Promise<string[]> {
  if (socket !== undefined) return [socket];
  const own = defaultAdminSocket({ uid, runtimeDir });
  if (config !== undefined) return [(await socketInFile(config)) ?? own];
  const systems = await socketInFile(systemConfig).catch(() => null);
  const roots = defaultAdminSocket({ uid: 0, runtimeDir: undefined });
  return [...new Set([...(systems === null ? [] : [systems]), own, roots])];
}

/** `[admin] socket` of a file; null when it names none. The rest of the file is `check`'s business. */
async function socketInFile(path: string): Promise<string | null> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new UserError(`cannot read ${path}: ${(error as Error).message}`, ExitCode.badConfig);
  }
  const { parse } = await import("smol-toml");
  let document: { admin?: { socket?: unknown } };
  try {
    document = parse(text);
  } catch (error) {
    const line = (error as { line?: number }).line;
    throw new UserError(
      `${path}${line === undefined ? "" : `:${line}`} is not valid TOML; "check -c ${path}" says why`,
      ExitCode.badConfig,
    );
  }
  const socket = document.admin?.socket;
  if (socket === undefined) return null;
  if (typeof socket === "string") return socket;
  throw new UserError(`${path}: admin.socket is not a path; "check -c ${path}" says more`, ExitCode.badConfig);
}

/** Asks the first socket that somebody serves. When nobody does, the complaint is about the first. */
export async function askFirst(
  sockets: readonly string[],
  command = "show status",
  timeoutMs = TIMEOUT_MS,
): Promise<string> {
  let first: AdminError | null = null;
  for (const socket of sockets) {
    try {
      return await request(socket, command, timeoutMs);
    } catch (error) {
      if (!(error instanceof AdminError)) throw error;
      if (error.exitCode !== ExitCode.notRunning) throw error;
      first ??= error;
    }
  }
  throw first ?? new RangeError("no socket to ask");
}

/** Our own process of another version, or somebody else, may be behind the socket. */
function parseAnswer(text: string): Snapshot {
  try {
    const parsed = JSON.parse(text) as Partial<Snapshot>;
    if (typeof parsed.process?.version === "string" && Array.isArray(parsed.listens)) {
      const { crashLoop = null, hang = null } = parsed.process;
      const process = { ...parsed.process, crashLoop, hang };
      return { ...parsed, process, vrrp: parsed.vrrp ?? null } as Snapshot;
    }
  } catch {
    // said below
  }
  throw new UserError(`the answer is not haproxy-lite's: ${JSON.stringify(text.slice(0, 60))}`, ExitCode.failed);
}
