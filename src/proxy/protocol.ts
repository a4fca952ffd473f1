import type { Config } from "../config/schema.ts";
import type { EventDraft, JournalEvent } from "../stats/event.ts";
import type { VrrpSnapshot } from "../stats/vrrpSnapshot.ts";
import type { Inheritance } from "./inheritance.ts";

/** What the supervisor says to the proxy process, over IPC. Plain JSON. */
export type ProxyCommand =
  | ProxyStart
  | ProxyReload
  /** Stop accepting, let connections finish until `hard_stop_after`, then exit 0. */
  | { kind: "stop" }
  /** The same, but end the connections now. */
  | { kind: "end" }
  /**
   * The supervisor is about to execute another program: it may speak over the handover channel from now on, and the end of
   * the usual one does not mean that it is gone. Answered by `handedOver`. This and all that follows until `retire` goes
   * between two versions of this program: it may grow, but not change.
   */
  | { kind: "handover" }
  /** Tell what the process that takes over is to know; answered by `inheritance`. */
  | { kind: "describe" }
  /** Another process serves: accept no more and let connections finish as after `stop`, telling what is still counted. */
  | { kind: "retire" }
  /** What a process that was retired has counted since it told the last time. */
  | { kind: "counted"; counted: Inheritance }
  /** How the virtual routers stand, for `show status`; its ages go on from here. To be said at least every few seconds. */
  | { kind: "vrrp"; snapshot: VrrpSnapshot | null }
  /** Events that the supervisor has numbered; `own`: so many are those that this process was the first to tell. */
  | { kind: "journal"; events: readonly JournalEvent[]; own: number }
  /** The answer to an order of a client of the admin socket; null: to all that wait for one. */
  | { kind: "ordered"; order: number | null; text: string };

export interface ProxyStart {
  kind: "start";
  config: Config;
  /** Most connections at once, after what the file limit allows. */
  maxconn: number;
  /** Listening fds of each listen, as numbers of this process. */
  listeners: ListenSockets[];
  /** The same of `[stats]`, and of `[admin] bind`. */
  stats: BindSockets[];
  admin: BindSockets[];
  /** Listening fd of the admin socket. */
  adminFd: number | null;
  /** Where further fds come from, see net/fdPassing.ts. */
  passingFd: number;
  /** Our end of the handover channel. */
  handoverFd: number | null;
  /** What the process before this one knew, or had told before it crashed; null: there was none, or it is not known. */
  inheritance: Inheritance | null;
  /** Whom to become before any client is served; null: stay who we are. */
  account: { name: string | null; uid: number; gid: number } | null;
  /** Directory to be locked into before that; null: none. */
  chroot: string | null;
  /** What has happened so far. */
  journal: readonly JournalEvent[];
  supervisorPid: number;
  /** When the supervisor started, epoch ms, and how often it has had to restart the proxy process since. */
  startedWallMs: number;
  restarts: number;
}

/** The sockets of one listen: a bind each. */
export interface ListenSockets {
  listen: string;
  binds: BindSockets[];
}

export interface BindSockets {
  /** The supervisor's number for it. */
  id: number;
  /** By thread; a unix socket has but one. */
  fds: number[];
}

/** Another configuration, to be applied at once and as a whole, or not at all; answered by `reloaded`. */
export interface ProxyReload {
  kind: "reload";
  reload: number;
  config: Config;
  maxconn: number;
  /** Open files that it needs. */
  files: number;
  /** Binds that have just been opened, in the order in which their fds wait at the passing fd, and how many each has. */
  passed: { id: number; fds: number }[];
  /** Binds of each listen, by number. */
  listens: { listen: string; binds: number[] }[];
  /** The same of `[stats]`, and of `[admin] bind`. */
  stats: number[];
  admin: number[];
}

/** What the proxy process says to the supervisor. */
export type ProxyReport =
  | { kind: "ready" }
  /** It cannot serve; the process ends by itself. */
  | { kind: "failed"; message: string }
  | ({ kind: "reloaded"; reload: number } & ReloadResult)
  /** It has closed all its sockets of a bind that the configuration in force does not have. */
  | { kind: "closed"; bind: number }
  /** A client of the admin socket orders this; to be answered by `ordered`. */
  | { kind: "order"; order: number; what: SupervisorOrder }
  | { kind: "handedOver" }
  | { kind: "inheritance"; inheritance: Inheritance }
  | { kind: "counted"; counted: Inheritance }
  /** How the servers stand, without counters: for the process that follows a crash. */
  | { kind: "standing"; standing: Inheritance }
  /** Something has happened: to be numbered and told back by `journal`. */
  | { kind: "event"; event: EventDraft }
  | HealthReport;

/** What a client of the admin socket may want of the supervisor. */
export type SupervisorOrder = "reload" | "upgrade" | VrrpOrder;

/** About the part of virtual routers in their elections; `name`: an instance, a sync group, or "all". */
export type VrrpOrder =
  /** To be taken out: MASTER only while nobody else is there, with `hold` not even then. */
  | { readonly kind: "release"; readonly name: string; readonly hold: boolean }
  /** To take part again. */
  | { readonly kind: "resume"; readonly name: string };

/** What came of another configuration. */
export interface ReloadResult {
  /** Why nothing has changed; null: everything has. */
  error: string | null;
  /** Of what was set at run time: what gives way to the file, and which servers are not as the file has them; in words. */
  overruled: string[];
  /** What was removed, and how many sessions it has, which may go on until `hard_stop_after`. */
  leaving: { listen: string; server: string | null; sessions: number }[];
}

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
