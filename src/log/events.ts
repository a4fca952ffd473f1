import { CHECK_DESCRIPTION, type CheckStatus } from "../core/checkStatus.ts";
import { Level } from "../core/syslogCodes.ts";

/**
 * HAProxy's sentences about servers and proxies, word for word, with the level it gives them: tools and people grep for
 * them. Everything we balance is what HAProxy calls a `listen`, hence "proxy" where it has separate words for others.
 */

/** A message ready for the logger. */
export interface LogEvent {
  level: Level;
  text: string;
}

/** A server by name, `backend/server`. */
export interface ServerName {
  backend: string;
  server: string;
  backup: boolean;
}

/** What a health check found. */
export interface CheckResult {
  status: CheckStatus;
  /** Protocol code (SMTP 421, exit status); null for what has none, as a plain connect. */
  code: number | null;
  /** What the server or the system said; null for nothing. */
  info: string | null;
  /** null when no check ran, as for errors seen in traffic. */
  durationMs: number | null;
}

/** Why a server changed: a check, an order on the admin socket, or already logged (`log-health-checks`, end of slow start). */
export type Cause = CheckResult | "cli" | null;

/** The backend after a server stopped being usable. */
export interface Left {
  activeServers: number;
  backupServers: number;
  /** Sessions the server still has. */
  sessions: number;
  /** Queued connections taken off the server. */
  requeued: number;
  /** Queued connections of the backend. */
  queued: number;
}

/** The backend after a server became usable, or was asked to drain while it was. */
export interface Online {
  activeServers: number;
  backupServers: number;
  requeued: number;
  queued: number;
}

/** `Server b/s is DOWN, reason: …` A server that was draining had no new sessions to lose: notice instead of alert. */
export function serverDown(name: ServerName, cause: Cause, left: Left, wasDraining: boolean): LogEvent {
  return {
    level: wasDraining ? Level.notice : Level.alert,
    text: `${title(name)} is DOWN${why(cause)}${leftText(left)}`,
  };
}

/** `Server b/s is UP, reason: …` */
export function serverUp(name: ServerName, cause: Cause, online: Online): LogEvent {
  return { level: Level.notice, text: `${title(name)} is UP${why(cause)}${onlineText(online)}` };
}

/** `Server b/s is stopping, …`: it works, and wants no new sessions. */
export function serverStopping(name: ServerName, cause: Cause, online: Online): LogEvent {
  return notice(`${title(name)} is stopping${why(cause)}${onlineText(online)}`);
}

/** Follows the line of the last server that became unusable; HAProxy has no counterpart for the return of one. */
export function noServerAvailable(proxy: string): LogEvent {
  return { level: Level.emerg, text: `proxy ${proxy} has no server available!` };
}

/** Maintenance of a server that was up. */
export function serverEntersMaintenance(name: ServerName, left: Left, wasDraining: boolean): LogEvent {
  return {
    level: wasDraining ? Level.notice : Level.alert,
    text: `${title(name)} is going DOWN for maintenance${leftText(left)}`,
  };
}

/** Maintenance of a server that was down anyway. */
export function downServerEntersMaintenance(name: ServerName): LogEvent {
  return notice(`${title(name)} was DOWN and now enters maintenance.`);
}

/** End of maintenance: into service (READY) or into DRAIN. */
export function serverLeavesMaintenance(name: ServerName, state: "UP" | "DOWN", to: "READY" | "DRAIN"): LogEvent {
  return notice(`${title(name)} is ${state}/${to} (leaving forced maintenance).`);
}

/** A server that is up begins to drain. */
export function serverEntersDrain(name: ServerName, online: Online): LogEvent {
  return notice(`${title(name)} enters drain state${onlineText(online)}`);
}

/** A server that is down is told to drain. */
export function downServerEntersDrain(name: ServerName, left: Left): LogEvent {
  return notice(`${title(name)} enters drain state${leftText(left)}`);
}

/** Drain asked for during maintenance, or a draining server that went down. */
export function serverRemainsInDrain(name: ServerName): LogEvent {
  return notice(`${title(name)} remains in forced drain mode.`);
}

/** Back from drain to ready. */
export function serverLeavesDrain(name: ServerName, state: "UP" | "DOWN"): LogEvent {
  return notice(`${title(name)} is ${state} (leaving forced drain).`);
}

/** Where the counter of a check stands; `health` runs 0..rise+fall-1 and means up from `rise` on. */
export interface CheckPosition {
  health: number;
  rise: number;
  fall: number;
  /** Up, but with weight 0. */
  drained: boolean;
}

/**
 * `Health check for server b/s failed, reason: …, status: 2/3 UP.` The fraction is passes of `rise` while down, failures
 * still allowed of `fall` while up.
 */
export function healthCheck(
  name: ServerName,
  verdict: "succeeded" | "failed" | "conditionally succeeded",
  result: CheckResult,
  { health, rise, fall, drained }: CheckPosition,
): LogEvent {
  const status = health < rise ? `${health}/${rise} DOWN` : `${health - rise + 1}/${fall} ${drained ? "DRAIN" : "UP"}`;
  const server = `${name.backup ? "backup " : ""}server ${name.backend}/${name.server}`;
  return notice(`Health check for ${server} ${verdict}${why(result)}, status: ${status}.`);
}

/** Listeners closed for a while by an operator. */
export function proxyPaused(proxy: string): LogEvent {
  return { level: Level.warning, text: `Paused proxy ${proxy}.` };
}

/** Listeners open again. */
export function proxyResumed(proxy: string): LogEvent {
  return { level: Level.warning, text: `Resumed proxy ${proxy}.` };
}

/** A proxy stopped listening for good; the counts are all its connections, client side and server side. */
export function proxyStopped(proxy: string, frontendConns: number, backendConns: number): LogEvent {
  return {
    level: Level.warning,
    text: `Proxy ${proxy} stopped (cumulated conns: FE: ${frontendConns}, BE: ${backendConns}).`,
  };
}

/** `hard_stop_after` is over. */
export function hardStop(): LogEvent {
  return { level: Level.warning, text: "soft-stop running for too long, performing a hard-stop." };
}

/** What the hard stop does to one proxy. */
export function proxyHardStopped(proxy: string, remainingConns: number): LogEvent {
  return {
    level: Level.warning,
    text: `Proxy ${proxy} hard-stopped (${remainingConns} remaining conns will be closed).`,
  };
}

function notice(text: string): LogEvent {
  return { level: Level.notice, text };
}

function title({ backend, server, backup }: ServerName): string {
  return `${backup ? "Backup " : ""}Server ${backend}/${server}`;
}

function why(cause: Cause): string {
  if (cause === null) return "";
  if (cause === "cli") return ", changed from CLI";
  const { status, code, info, durationMs } = cause;
  return [
    `, reason: ${CHECK_DESCRIPTION[status]}`,
    code === null ? "" : `, code: ${code}`,
    info === null || info === "" ? "" : `, info: "${info}"`,
    durationMs === null ? "" : `, check duration: ${Math.round(durationMs)}ms`,
  ].join("");
}

function leftText(left: Left): string {
  return `. ${servers(left)} left.${onBackup(left)} ${left.sessions} sessions active, ${left.requeued} requeued, ${left.queued} remaining in queue.`;
}

function onlineText(online: Online): string {
  return `. ${servers(online)} online.${onBackup(online)} ${online.requeued} sessions requeued, ${online.queued} total in queue.`;
}

function servers({ activeServers, backupServers }: Online): string {
  return `${activeServers} active and ${backupServers} backup servers`;
}

function onBackup({ activeServers, backupServers }: Online): string {
  return activeServers === 0 && backupServers > 0 ? " Running on backup." : "";
}
