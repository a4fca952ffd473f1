import type { Config } from "../config/schema.ts";
import type { VrrpSnapshot } from "../stats/vrrpSnapshot.ts";

/** What the supervisor says to the proxy process, over IPC. Plain JSON. */
export type ProxyCommand =
  | ProxyStart
  /** Stop accepting, let connections finish until `hard_stop_after`, then exit 0. */
  | { kind: "stop" }
  /** The same, but end the connections now. */
  | { kind: "end" }
  /** How the virtual routers stand, for `show status`; its ages go on from here. To be said at least every few seconds. */
  | { kind: "vrrp"; snapshot: VrrpSnapshot | null };

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
  /** Directory to be locked into before that; null: none. */
  chroot: string | null;
  supervisorPid: number;
  /** When the supervisor started, epoch ms, and how often it has had to restart the proxy process since. */
  startedWallMs: number;
  restarts: number;
}

/** What the proxy process says to the supervisor. */
export type ProxyReport =
  | { kind: "ready" }
  /** It cannot serve; the process ends by itself. */
  | { kind: "failed"; message: string }
  | HealthReport;

/** How the proxy stands: from just before `ready` on every {@link HEALTH_MS}, and at once when a listen begins or ceases to be usable. */
export interface HealthReport {
  kind: "health";
  /** A relay thread whose event loop has not turned for 2 s; null: none. */
  lateThread: number | null;
  /** Client connections now, over all listens. */
  connections: number;
  listens: ListenHealth[];
}

/** A listen with `servers` but none usable serves nobody; one without servers is none to be judged. */
export interface ListenHealth {
  name: string;
  /** Servers that can take new sessions now, backups included; unchecked ones can. */
  usable: number;
  servers: number;
}

/** Time between two health reports: the heartbeat of the proxy process. */
export const HEALTH_MS = 200;
