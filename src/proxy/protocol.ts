import type { Config } from "../config/schema.ts";

/** What the supervisor says to the proxy process, over IPC. Plain JSON. */
export type ProxyCommand =
  | ProxyStart
  /** Stop accepting, let connections finish until `hard_stop_after`, then exit 0. */
  | { kind: "stop" }
  /** The same, but end the connections now. */
  | { kind: "end" };

export interface ProxyStart {
  kind: "start";
  config: Config;
  /** Most connections at once, after what the file limit allows. */
  maxconn: number;
  /** Listening fds of each listen, as numbers of this process: by bind, then by thread. */
  listeners: { listen: string; fds: number[][] }[];
  /** Listening fd of the admin socket. */
  adminFd: number | null;
  /** Whom to become before any client is served; null: stay who we are. */
  account: { name: string | null; uid: number; gid: number } | null;
  supervisorPid: number;
  /** When the supervisor started, epoch ms, and how often it has had to restart the proxy process since. */
  startedWallMs: number;
  restarts: number;
}

/** What the proxy process says to the supervisor. */
export type ProxyReport =
  | { kind: "ready" }
  /** It cannot serve; the process ends by itself. */
  | { kind: "failed"; message: string };
