import { isDeepStrictEqual } from "node:util";
import type { ServerConfig } from "../config/schema.ts";
import type { Endpoint } from "../core/endpoint.ts";
import { WEIGHT_SCALE } from "./layout.ts";

/**
 * What an operator wants of a server. Kept apart from what checks say of it: "down" and "in maintenance" never share a
 * variable (as in HAProxy's include/haproxy/server-t.h).
 */
export type AdminState = "ready" | "drain" | "maint";

/** What checks, traffic or an operator say of a server. `stopping`: it works, and wants no new sessions (HAProxy's NOLB). */
export type Health = "up" | "stopping" | "down";

/** Where a server's checks go when somebody set that at run time; null: where the file says. */
export interface CheckPlace {
  readonly host: string | null;
  readonly port: number | null;
}

/** What may be set at run time of a server's place and checks, beside its weight, limit and administrative state. */
export interface RuntimePlace {
  /** Where it is dialled; null: where the file says. */
  address: Endpoint | null;
  checkAt: CheckPlace;
  /** false: its checks are not carried out, whatever the file says. */
  checking: boolean;
}

/** One server of a listen: administrative state × operational state × weight, and since when. Times are monotonic ms. */
export interface PoolServer extends RuntimePlace {
  readonly slot: number;
  /** As the file has it; what was set at run time stands in `weight`, `maxconn`, `admin` and {@link RuntimePlace}. */
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
  /** Up, and wants no new sessions. */
  stopping: boolean;
  /** When `up`, `stopping`, `admin` or `unresolved` last changed. */
  changedMs: number;
  /** When slow start began; null when it is not ramping. */
  rampingSinceMs: number | null;
  /** Time spent unusable before the present state. */
  downtimeMs: number;
  /** How often it went from up to down. */
  downs: number;
}

/** Whether it works, as far as is known, and is not in maintenance. */
export function isRunning(server: PoolServer): boolean {
  return server.up && server.admin !== "maint" && !server.unresolved;
}

/** Whether it may take new sessions, were its turn to come. */
export function isUsable(server: PoolServer): boolean {
  return (
    isRunning(server) &&
    !server.stopping &&
    server.admin === "ready" &&
    server.weight > 0 &&
    server.leavingUntilMs === null
  );
}

/** HAProxy's status word for people and for CSV; `checkText` is health's "UP 2/3" or null when nobody checks. */
export function serverStatus(server: PoolServer, checkText: string | null): string {
  if (server.leavingUntilMs !== null) return "DRAIN (removed)";
  if (server.unresolved) return "MAINT (resolution)";
  if (server.admin === "maint") return "MAINT";
  if (checkText === null && !server.up) return "DOWN";
  if (server.stopping) return checkText?.replace("UP", "NOLB") ?? "NOLB";
  if (checkText === null) return server.admin === "drain" || server.weight === 0 ? "DRAIN" : "no check";
  if (server.up && (server.admin === "drain" || server.weight === 0)) return checkText.replace("UP", "DRAIN");
  return checkText;
}

/** What the file wants of a server, as long as nobody says otherwise. */
export function adminInFile({ disabled }: Pick<ServerConfig, "disabled">): AdminState {
  return disabled ? "maint" : "ready";
}

/** Checks go where the file says. */
export const FROM_FILE: CheckPlace = { host: null, port: null };

/** Where a server is dialled: where the file says, or where somebody said at run time. */
export function addressOf({ config, address }: Pick<PoolServer, "config" | "address">): Endpoint {
  return address ?? config.address;
}

/** Where its checks go; null: it has none. They follow the server's address as far as neither file nor operator says else. */
export function checkAddressOf(server: Pick<PoolServer, "config" | "address" | "checkAt">): Endpoint | null {
  const { config, checkAt } = server;
  if (config.check === null) return null;
  const [now, inFile, check] = [addressOf(server), config.address, config.check.address];
  if (check.kind === "unix" || now.kind === "unix")
    return isDeepStrictEqual(check, inFile) ? at(now, checkAt) : at(check, checkAt);
  const own = inFile.kind === "tcp" ? inFile : null;
  return at(
    {
      kind: "tcp",
      host: check.host === own?.host ? now.host : check.host,
      port: check.port === own?.port ? now.port : check.port,
    },
    checkAt,
  );
}

function at(endpoint: Endpoint, { host, port }: CheckPlace): Endpoint {
  if (endpoint.kind === "unix") return endpoint;
  return { kind: "tcp", host: host ?? endpoint.host, port: port ?? endpoint.port };
}

/** What checks and operators say of it. */
export function healthOf({ up, stopping }: Pick<PoolServer, "up" | "stopping">): Health {
  if (!up) return "down";
  return stopping ? "stopping" : "up";
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
    stopping: false,
    address: null,
    checkAt: FROM_FILE,
    checking: true,
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
