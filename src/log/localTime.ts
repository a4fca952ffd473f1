/**
 * Wall time as text in the machine's time zone (`TZ` or /etc/localtime). All functions take milliseconds since the epoch.
 */

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const MINUTE_MS = 60_000;

const two = (n: number) => (n < 10 ? `0${n}` : `${n}`);

/** The milliseconds within the second, three digits: `073`. */
export function millis(wallMs: number): string {
  const ms = Math.floor(wallMs) % 1000;
  return ms < 10 ? `00${ms}` : ms < 100 ? `0${ms}` : `${ms}`;
}

// Every offset in use and every change of one falls on a whole minute, so within a minute only the seconds move.
let minute = Number.NaN;
let minuteText = "";

/** HAProxy's `%t`: `22/Nov/2026:14:13:27.073`. Called once a session: the part down to the minute is remembered. */
export function acceptDate(wallMs: number): string {
  const inMinuteMs = wallMs % MINUTE_MS;
  if (wallMs - inMinuteMs !== minute) {
    minute = wallMs - inMinuteMs;
    const d = new Date(minute);
    minuteText = `${two(d.getDate())}/${MONTHS[d.getMonth()]}/${d.getFullYear()}:${two(d.getHours())}:${two(d.getMinutes())}:`;
  }
  return `${minuteText}${two(Math.floor(inMinuteMs / 1000))}.${millis(wallMs)}`;
}

/** RFC 3164 §4.1.2: `Nov  2 14:13:27`, the day padded with a blank. */
export function bsdTime(wallMs: number): string {
  const d = new Date(wallMs);
  const day = d.getDate();
  return `${MONTHS[d.getMonth()]} ${day < 10 ? ` ${day}` : day} ${clockTime(d)}`;
}

/** ISO 8601 to the second, without an offset: `2026-11-22T14:13:27`. */
export function isoSecond(wallMs: number): string {
  const d = new Date(wallMs);
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}T${clockTime(d)}`;
}

/** Distance of local time from UTC at that moment: `+01:00`, `-03:30`. */
export function utcOffset(wallMs: number): string {
  const offsetMin = -new Date(wallMs).getTimezoneOffset();
  const away = Math.abs(offsetMin);
  return `${offsetMin < 0 ? "-" : "+"}${two(Math.floor(away / 60))}:${two(away % 60)}`;
}

function clockTime(d: Date): string {
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}
