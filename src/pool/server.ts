import type { ServerConfig } from "../config/schema.ts";
import { WEIGHT_SCALE } from "./layout.ts";

/**
 * What an operator wants of a server. Kept apart from what checks say of it: "down" and "in maintenance" never share a
 * variable (as in HAProxy's include/haproxy/server-t.h).
 */
export type AdminState = "ready" | "drain" | "maint";

/** One server of a listen: administrative state × operational state × weight, and since when. Times are monotonic ms. */
export interface PoolServer {
  readonly slot: number;
  /** As the file has it; what was set at run time stands in `weight`, `maxconn` and `admin`. */
  config: ServerConfig;
  admin: AdminState;
  /** 0..256 and sessions at a time (null: no limit): the file's, unless somebody set them at run time. */
  weight: number;
  maxconn: number | null;
  /** It was removed: takes nobody, and keeps its sessions until this time, when they are ended; null: it belongs here. */
  leavingUntilMs: number | null;
  /** The maintenance is not an operator's: the server's name has no address yet. */
  unresolved: boolean;
  /** What checks, or traffic, say; true while nobody checks. */
  up: boolean;
  /** When `up`, `admin` or `unresolved` last changed. */
  changedMs: number;
  /** When slow start began; null when it is not ramping. */
  rampingSinceMs: number | null;
  /** Time spent unusable before the present state. */
  downtimeMs: number;
  /** How often it went from up to down. */
  downs: number;
}

/** How a server stands, for the process that takes over from this one. Plain JSON; ages instead of times. */
export interface ServerMemory {
  readonly admin: AdminState;
  /** The administrative state that the file asked for. */
  readonly adminInFile: AdminState;
  /** The same of the weight, and of the limit of sessions. */
  readonly weight: number;
  readonly weightInFile: number;
  readonly maxconn: number | null;
  readonly maxconnInFile: number | null;
  readonly up: boolean;
  readonly inStateMs: number;
  /** How long it has been ramping up; null: it is not. */
  readonly rampingMs: number | null;
  readonly downtimeMs: number;
  readonly downs: number;
}

/** Whether it works, as far as is known, and is not in maintenance. */
export function isRunning(server: PoolServer): boolean {
  return server.up && server.admin !== "maint" && !server.unresolved;
}

/** Whether it may take new sessions, were its turn to come. */
export function isUsable(server: PoolServer): boolean {
  return isRunning(server) && server.admin === "ready" && server.weight > 0 && server.leavingUntilMs === null;
}

/** HAProxy's status word for people and for CSV; `checkText` is health's "UP 2/3" or null when nobody checks. */
export function serverStatus(server: PoolServer, checkText: string | null): string {
  if (server.leavingUntilMs !== null) return "DRAIN (removed)";
  if (server.unresolved) return "MAINT (resolution)";
  if (server.admin === "maint") return "MAINT";
  if (checkText === null) return server.admin === "drain" || server.weight === 0 ? "DRAIN" : "no check";
  if (server.up && (server.admin === "drain" || server.weight === 0)) return checkText.replace("UP", "DRAIN");
  return checkText;
}

/** What the file wants of a server, as long as nobody says otherwise. */
export function adminInFile({ disabled }: Pick<ServerConfig, "disabled">): AdminState {
  return disabled ? "maint" : "ready";
}

/** A server that has just been configured. */
export function newServer(slot: number, config: ServerConfig, nowMs: number): PoolServer {
  return {
    slot,
    config,
    admin: adminInFile(config),
    weight: config.weight,
    maxconn: config.maxconn,
    leavingUntilMs: null,
    unresolved: false,
    up: isUpAtFirst(config),
    changedMs: nowMs,
    rampingSinceMs: null,
    downtimeMs: 0,
    downs: 0,
  };
}

/** Whether a server counts as up before its first check. */
export function isUpAtFirst({ check }: Pick<ServerConfig, "check">): boolean {
  return check === null || check.initState === "up" || check.initState === "fully-up";
}

/** Share of its weight and maxconn that a ramping server has by now, 1..WEIGHT_SCALE sixteenths; all of them without slow start. */
export function rampSixteenths(server: PoolServer, nowMs: number): number {
  const { rampingSinceMs, config } = server;
  if (rampingSinceMs === null || config.slowstartMs <= 0) return WEIGHT_SCALE;
  const elapsedMs = nowMs - rampingSinceMs;
  return Math.max(1, Math.min(WEIGHT_SCALE, Math.ceil((WEIGHT_SCALE * elapsedMs) / config.slowstartMs)));
}

/** How often a ramp takes a step: HAProxy's max(1 s, slowstart / 20). */
export function rampStepMs(server: PoolServer): number {
  return Math.max(1000, server.config.slowstartMs / 20);
}
