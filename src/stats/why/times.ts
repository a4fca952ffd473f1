import { humanDuration } from "../humanise.ts";
import { wallTime } from "../vrrpWording.ts";

/** A duration for people who wait for its end: "0.3 s", "9.9 s", then "12s", "4m 3s". */
export function span(durationMs: number): string {
  return durationMs < 9950 ? `${(Math.max(0, durationMs) / 1000).toFixed(1)} s` : humanDuration(durationMs);
}

/** "16:05:09.073", with its day when that is not the day of `nowMs`; by the clock of whoever runs this. */
export function moment(wallMs: number, nowMs: number): string {
  const [day = "", time = ""] = wallTime(wallMs).split(" ");
  const millis = String(Math.floor(wallMs) % 1000).padStart(3, "0");
  const clock = `${time}.${millis}`;
  return wallTime(nowMs).startsWith(day) ? clock : `${day} ${clock}`;
}

/** "once", "2 times". */
export function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}

/** "16:05:07.073, 2.0 s ago". */
export function whenAgo(agoMs: number, nowMs: number): string {
  return `${moment(nowMs - agoMs, nowMs)}, ${span(agoMs)} ago`;
}
