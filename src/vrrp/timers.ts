/** How long a BACKUP waits. All results in ms with fractions: priorities one apart differ by 4 ms, and that is the election. */

/** What the waiting times are made of. */
export interface TimerSettings {
  readonly version: 2 | 3;
  /** Effective priority of the one who waits, 1..255. */
  readonly priority: number;
  /** Adverts that must be missed, keepalived's down_timer_adverts; 3 in the RFCs. */
  readonly downTimerAdverts: number;
}

/** RFC 3768 §6.1: the skew of version 2 is a part of one second, whatever the interval. */
const SKEW_UNIT_V2_MS = 1000;

/** Longest skew of a BACKUP that knows of no other one. 0.2 ms a priority: more than a frame takes on a LAN. */
const HURRIED_SKEW_UNIT_MS = 50;

/**
 * The part of the wait that lets the highest priority be first.
 * Version 2: (256 - priority) / 256 s, RFC 3768 §6.1. Version 3: (256 - priority) × interval / 256, RFC 9568 §6.1.
 * @param masterIntervalMs time between adverts of the MASTER
 */
export function skewMs({ version, priority }: TimerSettings, masterIntervalMs: number): number {
  return ((256 - priority) * (version === 2 ? SKEW_UNIT_V2_MS : masterIntervalMs)) / 256;
}

/** Silence after which a MASTER is gone: down_timer_adverts × interval + skew (Active_Down_Interval, RFC 9568 §6.1). */
export function masterDownMs(settings: TimerSettings, masterIntervalMs: number): number {
  return settings.downTimerAdverts * masterIntervalMs + skewMs(settings, masterIntervalMs);
}

/**
 * The wait after priority 0 from the only other router that was ever heard. Nobody else is known to compete, but somebody
 * may be there who never had to speak: the highest priority still comes first, only faster.
 */
export function hurriedSkewMs(settings: TimerSettings, masterIntervalMs: number): number {
  return Math.min(skewMs(settings, masterIntervalMs), ((256 - settings.priority) * HURRIED_SKEW_UNIT_MS) / 256);
}
