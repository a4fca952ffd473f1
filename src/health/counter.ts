import type { InitState } from "../config/schema.ts";

/**
 * Rise and fall as HAProxy counts them: one integer, so that "in a row" cannot be forgotten.
 *
 * ```
 *  0 ─────────── rise-1 │ rise ─────────── rise+fall-1
 *  DOWN        climbing │ falling                   UP
 *    ▲ a failure leads here from anywhere below rise+1
 *                         a pass leads here from rise-1 on ▲
 * ```
 */

/** The counter after a check. Nothing but 0..rise+fall-1 comes in or out. */
export function nextHealth(health: number, passed: boolean, rise: number, fall: number): number {
  if (passed) return health + 1 >= rise ? fullyUp(rise, fall) : health + 1;
  return health - 1 < rise ? 0 : health - 1;
}

/**
 * The counter before the first check. "up" is HAProxy 2.6's start: one failure takes the server down, one pass makes it
 * fully up. "fully-up" falls after `fall` failures, "down" rises with one pass, "fully-down" with `rise`.
 */
export function initialHealth(initState: InitState, rise: number, fall: number): number {
  switch (initState) {
    case "up":
      return rise;
    case "fully-up":
      return fullyUp(rise, fall);
    case "down":
      return rise - 1;
    case "fully-down":
      return 0;
  }
}

/** Highest value of the counter: every failure is forgotten. */
export function fullyUp(rise: number, fall: number): number {
  return rise + fall - 1;
}

/** Whether the server may have traffic. */
export function isUp(health: number, rise: number): boolean {
  return health >= rise;
}

/** Going up or going down: neither end of the counter. */
export function isTransition(health: number, rise: number, fall: number): boolean {
  return health > 0 && health < fullyUp(rise, fall);
}

/**
 * Column `status` of HAProxy's CSV for a server without administrative state: "UP", "UP 2/3" (failures left of `fall`),
 * "DOWN", "DOWN 1/2" (passes of `rise`).
 */
export function statusText(health: number, rise: number, fall: number): string {
  const word = isUp(health, rise) ? "UP" : "DOWN";
  if (!isTransition(health, rise, fall)) return word;
  return isUp(health, rise) ? `${word} ${health - rise + 1}/${fall}` : `${word} ${health}/${rise}`;
}
