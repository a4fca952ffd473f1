import type { CheckStatus } from "../core/checkStatus.ts";
import type { AdminState } from "../pool/server.ts";
import type { Rate } from "./rates.ts";
import type { VrrpSnapshot } from "./vrrpSnapshot.ts";

/**
 * How everything stands at one moment: plain JSON, what `show status` answers and every display is made from. Counters
 * run since the proxy process started; bytes "in" come from clients, "out" go to them; durations are whole milliseconds.
 */
export interface Snapshot {
  process: ProcessSnapshot;
  /** Empty in a crash loop. */
  listens: ListenSnapshot[];
  /** null: there are no virtual routers, or they have not been heard of yet. */
  vrrp: VrrpStatus | null;
}

/** The virtual routers as the supervisor last told, with all ages brought up to the moment of this snapshot. */
export interface VrrpStatus extends VrrpSnapshot {
  /** How long ago it told. */
  ageMs: number;
}

export interface ProcessSnapshot {
  version: string;
  commit: string;
  /** YYYY/MM/DD. */
  releaseDate: string;
  /** Host name. */
  node: string;
  /** Pid of the proxy process; signals are for the supervisor. */
  pid: number;
  supervisorPid: number;
  /** When the supervisor started, epoch ms, and how long ago that is. */
  startedWallMs: number;
  uptimeMs: number;
  /** How long ago the present proxy process started: counters begin there. */
  proxyUptimeMs: number;
  /** How often the proxy process had to be started again. */
  restarts: number;
  /** There is no proxy process now, because it keeps ending; nothing is known of the listens then. null: there is one. */
  crashLoop: CrashLoop | null;
  /** What has shown no sign of life for seconds, in a sentence; without listens it is the whole proxy process. null: nothing. */
  hang: string | null;
  stopping: boolean;
  /** Relay threads. */
  threads: number;
  connections: Occupancy & { limit: number };
  connectionRate: Rate;
  bytesOutRate: Rate;
  /** Share of their time that our threads did not run in the last second, 0..100. */
  idlePercent: number;
  openFilesLimit: number;
  droppedLogs: number;
}

export interface CrashLoop {
  /** Ends in a row, each soon after the start. */
  crashes: number;
  /** How the last one ended: "killed by signal SIGSEGV". */
  reason: string;
  /** Time until the next start. */
  nextStartMs: number;
}

/** Connections or sessions: now, most at once, most allowed (null: no limit), all so far. */
export interface Occupancy {
  current: number;
  max: number;
  limit: number | null;
  total: number;
}

/**
 * OPEN; FULL: at a limit, clients wait in the kernel; DOWN: no server to give them to; PAUSED: clients are refused for now,
 * by order; STOP: no longer accepting.
 */
export type ListenStatus = "OPEN" | "FULL" | "DOWN" | "PAUSED" | "STOP";

/** Whole milliseconds that a session waits in the queue, takes to reach its server, and lives. */
export interface SessionTimes {
  queueMs: number;
  connectMs: number;
  totalMs: number;
}

/** What listens and servers have in common. */
interface Traffic {
  rate: Rate;
  bytesIn: number;
  bytesOut: number;
  queue: { current: number; max: number };
  errors: {
    connect: number;
    retries: number;
    redispatches: number;
    clientAborts: number;
    serverAborts: number;
  };
  /** Over about the last 1024 sessions; 0 when there were none. */
  average: SessionTimes;
  /** The longest that any session took; each on its own. */
  longest: SessionTimes;
  /** Since the last session began; null: there was none. */
  lastSessionAgoMs: number | null;
}

export interface ListenSnapshot extends Traffic {
  name: string;
  status: ListenStatus;
  /** It was removed from the configuration: its sessions are ended after so long; null: it was not. */
  leavingForMs: number | null;
  mode: "tcp";
  /** As the configuration writes them: "0.0.0.0:80", "unix:/path". */
  binds: string[];
  balance: string;
  sessions: Occupancy;
  /** Times that accepting stopped because a limit was reached. */
  acceptPauses: number;
  /** Servers that can take new sessions, by role; backups are used only while there is no active one. */
  usable: { active: number; backup: number };
  /** Whether anybody can, since when, how often nobody could, and for how long in all. */
  available: boolean;
  inStateMs: number;
  downs: number;
  downtimeMs: number;
  servers: ServerSnapshot[];
}

export interface ServerSnapshot extends Traffic {
  name: string;
  address: string;
  /** HAProxy's word: "UP", "UP 2/3", "DOWN 1/2", "DRAIN", "MAINT", "MAINT (resolution)", "no check", … */
  status: string;
  /** What a person wants of it, and whether its name has no address yet. */
  admin: AdminState;
  /** It was removed from the configuration: its sessions are ended after so long; null: it was not. */
  leavingForMs: number | null;
  unresolved: boolean;
  /** What checks say; true while there are none. */
  up: boolean;
  backup: boolean;
  /** `effective` takes part in balancing now: 0 while it gets no new sessions, less than `configured` in slow start. */
  weight: { configured: number; effective: number };
  /** Share of its weight that slow start has reached; null outside of slow start. */
  throttlePercent: number | null;
  sessions: Occupancy;
  /** Times the balancer chose it, and connections started to it. */
  selected: number;
  connects: number;
  /** null: not checked. */
  check: CheckSnapshot | null;
  inStateMs: number;
  /** Times it went from up to down, and for how long in all. */
  downs: number;
  downtimeMs: number;
}

export interface CheckSnapshot {
  /** 0..rise+fall-1; up from `rise` on. */
  health: number;
  rise: number;
  fall: number;
  failures: number;
  /** Failures concluded from traffic (`observe`); null: traffic is not observed. */
  observed: number | null;
  /** Checks that our own shortage prevented. */
  inconclusive: number;
  /** A check is on its way. */
  inProgress: boolean;
  /** null before the first. */
  last: LastCheck | null;
}

export interface LastCheck {
  status: CheckStatus;
  /** "Layer4 check passed" … */
  description: string;
  /** Of the protocol, as SMTP's 421. */
  code: number | null;
  /** What the server or the system said. */
  info: string | null;
  /** null: concluded from traffic, no check ran. */
  durationMs: number | null;
  agoMs: number;
}
