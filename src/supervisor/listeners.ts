import { lstatSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { ADMIN_BACKLOG } from "../admin/server.ts";
import type { Config } from "../config/schema.ts";
import { type Endpoint, formatEndpoint, sameEndpoint } from "../core/endpoint.ts";
import { UserError } from "../core/errors.ts";
import { PROXY_PROCESS } from "../core/self.ts";
import { SystemError } from "../net/libc.ts";
import { adoptListeners, bindListeners, closeListeners, listenerPid } from "../net/listen.ts";
import type { OpenListener } from "./handoff.ts";

/** Exit status of a start that failed although the configuration is valid. */
const EXIT_FAILED = 1;
const AGAIN_MS = 20;
/** A unix bind is for every local client, as HAProxy's is without `mode`. */
const UNIX_BIND_MODE = 0o666;

/** The listening sockets of one listen: by bind, then by thread. */
export interface BoundListen {
  listen: string;
  fds: number[][];
}

/** Every socket the process listens on. The supervisor opens them, keeps them open, and alone closes them. */
export class BoundListeners {
  private constructor(
    readonly listens: readonly BoundListen[],
    /** Listening fd of the admin socket. */
    readonly admin: number,
    private readonly adminFds: number[],
    /** All that is open, by what it is bound to, and among that what nobody uses any more. */
    readonly open: readonly OpenListener[],
    private leftOver: readonly OpenListener[],
  ) {}

  /**
   * As {@link bind}, but an address in use is asked for again for so long: the proxy process of a supervisor that was killed
   * needs a moment to see that and to let go. Blocks.
   */
  static bindPatiently(config: Config, adminSocket: string, patienceMs: number): BoundListeners {
    for (let waitedMs = 0; ; waitedMs += AGAIN_MS) {
      try {
        return BoundListeners.bind(config, adminSocket);
      } catch (error) {
        const { cause } = error as Error;
        const inUse = cause instanceof SystemError && cause.code === "EADDRINUSE";
        if (!inUse || waitedMs >= patienceMs) throw error;
        Bun.sleepSync(AGAIN_MS);
      }
    }
  }

  /**
   * Binds all or nothing: throws UserError naming the address, the reason and what helps. What another program has opened in
   * this very process, `inherited`, is taken over; it stays open whatever happens, until {@link closeLeftOver}.
   */
  static bind(config: Config, adminSocket: string, inherited: readonly OpenListener[] = []): BoundListeners {
    const opened: number[][] = [];
    const all: OpenListener[] = [];
    const free = [...inherited];
    const open = (what: string, endpoint: Endpoint, sockets: number, backlog: number, mode?: number): number[] => {
      const there = free.findIndex((each) => sameEndpoint(each.endpoint, endpoint));
      if (there >= 0) {
        const [{ fds }] = free.splice(there, 1) as [OpenListener];
        const adopted = adoptListeners(endpoint, fds, { sockets, backlog });
        all.push({ endpoint, fds: adopted });
        return adopted;
      }
      try {
        const fds = bindListeners(endpoint, { sockets, backlog, ...(mode === undefined ? {} : { mode }) });
        opened.push(fds);
        all.push({ endpoint, fds });
        return fds;
      } catch (error) {
        throw explainBindError(what, endpoint, error);
      }
    };
    try {
      // First, because whoever starts an instance twice is best told by the one that runs.
      const endpoint: Endpoint = { kind: "unix", path: adminSocket };
      makeParent(adminSocket);
      // The default for a user is in /tmp, where anybody could have made that directory first.
      if (config.admin.socket === null) refuseForeignParent(adminSocket);
      const adminFds = open("the admin socket", endpoint, 1, ADMIN_BACKLOG, config.admin.mode);
      const listens = config.listens.map((listen) => ({
        listen: listen.name,
        fds: listen.binds.map((bind) =>
          open(`listen ${listen.name}`, bind, config.global.threads, listen.backlog, UNIX_BIND_MODE),
        ),
      }));
      return new BoundListeners(listens, adminFds[0] as number, adminFds, [...all, ...free], free);
    } catch (error) {
      for (const fds of opened) closeListeners(fds);
      throw error;
    }
  }

  /** Closes what was inherited and has no use. */
  closeLeftOver(): void {
    for (const { endpoint, fds } of this.leftOver)
      closeListeners(adoptListeners(endpoint, fds, { sockets: 0, backlog: 0 }));
    this.leftOver = [];
  }

  /** From now on clients are refused; the admin socket still answers. */
  closeListens(): void {
    for (const listen of this.listens) for (const fds of listen.fds) closeListeners(fds);
  }

  /** Closes what is still open. */
  close(): void {
    this.closeListens();
    closeListeners(this.adminFds);
  }
}

function makeParent(path: string): void {
  if (path.startsWith("@")) return;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  } catch (error) {
    throw new UserError(
      `cannot make ${dirname(path)} for the admin socket: ${(error as Error).message}\n  give [admin] socket a path that this user may write to`,
      EXIT_FAILED,
    );
  }
}

function refuseForeignParent(path: string): void {
  const directory = dirname(path);
  const { uid } = lstatSync(directory);
  if (uid === 0 || uid === process.geteuid?.()) return;
  throw new UserError(
    `${directory}, the directory for the admin socket, belongs to somebody else (uid ${uid})\n  remove it, or give [admin] socket a path in a directory of your own`,
    EXIT_FAILED,
  );
}

function explainBindError(what: string, endpoint: Endpoint, error: unknown): Error {
  if (!(error instanceof SystemError)) return error as Error;
  const where = formatEndpoint(endpoint);
  return new UserError(
    `cannot bind ${what} to ${where}: ${error.message}${bindHint(error.code, endpoint)}`,
    EXIT_FAILED,
    { cause: error },
  );
}

function inUse(path: string): string {
  const pid = supervisorBehind(path);
  return `\n  another instance is running on this socket${pid === null ? "" : `: pid ${pid}`}`;
}

/** Of our own processes the proxy process listens, and its parent is the one to talk about; null: nobody knows. */
function supervisorBehind(path: string): number | null {
  const pid = listenerPid(path);
  if (pid === null) return null;
  try {
    if (!readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0").includes(PROXY_PROCESS)) return pid;
    return Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]) || null;
  } catch {
    return pid; // it has ended meanwhile, or is not ours to look at
  }
}

function bindHint(code: string, endpoint: Endpoint): string {
  const port = endpoint.kind === "tcp" ? endpoint.port : 0;
  if (code === "EADDRINUSE" && endpoint.kind === "unix") return inUse(endpoint.path);
  if (code === "EADDRINUSE")
    return `\n  another program, or another instance, listens there; see: ss -ltnp 'sport = :${port}'`;
  if (code === "EACCES" && port > 0 && port < 1024) {
    return "\n  ports below 1024 need root or the capability CAP_NET_BIND_SERVICE";
  }
  if (code === "EACCES") return "\n  this user may not create a socket there";
  if (code === "ENOENT") return "\n  the directory does not exist";
  return "";
}
