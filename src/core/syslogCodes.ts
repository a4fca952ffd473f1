const levels = { emerg: 0, alert: 1, crit: 2, err: 3, warning: 4, notice: 5, info: 6, debug: 7 } as const;

/** Syslog level (RFC 5424 §6.2.1, table 2), 0..7. Lower is more severe; a target at level N takes messages up to N. */
export type Level = (typeof levels)[keyof typeof levels];
/** The levels by name for code that logs: `Level.notice`. */
export const Level = levels;

/** Level names as HAProxy's `log` line spells them, and their codes. */
export const LEVELS: Readonly<Record<string, Level>> = levels;

/**
 * Facility names as syslog.conf(5), `logger -p` and HAProxy's `log` line spell them, and their codes 0..23
 * (RFC 5424 §6.2.1, table 1; 10 and 12..15 have no settled names, these are HAProxy's).
 */
export const FACILITIES: Readonly<Record<string, number>> = {
  kern: 0,
  user: 1,
  mail: 2,
  daemon: 3,
  auth: 4,
  syslog: 5,
  lpr: 6,
  news: 7,
  uucp: 8,
  cron: 9,
  auth2: 10,
  ftp: 11,
  ntp: 12,
  audit: 13,
  alert: 14,
  cron2: 15,
  local0: 16,
  local1: 17,
  local2: 18,
  local3: 19,
  local4: 20,
  local5: 21,
  local6: 22,
  local7: 23,
};
