import type { VrrpInstanceConfig } from "../../config/schema.ts";
import { OWNER_PRIORITY } from "../priority.ts";
import type { Side } from "./pair.ts";

/** What one weighted tracker adds to the priority of its host. */
export interface Weighted {
  /** "script chk". */
  readonly tracker: string;
  readonly weight: number;
  readonly wellAmount: number;
  readonly failedAmount: number;
}

/** The trackers of an instance that change its priority. */
export function weightedTrackers(side: Side, instance: VrrpInstanceConfig): Weighted[] {
  const { trackProxy, trackListen, trackInterface, trackScript } = instance;
  const uses = [
    ...(trackProxy === null ? [] : [{ tracker: "proxy", ...trackProxy }]),
    ...trackListen.map((use) => ({ ...use, tracker: `listen ${use.name}` })),
    ...trackInterface.map((use) => ({ ...use, tracker: `interface ${use.name}` })),
    ...trackScript.map(({ name, weight, reverse }) => {
      const script = side.vrrp.scripts.find((each) => each.name === name);
      return {
        tracker: `script ${name}`,
        weight: weight ?? script?.weight ?? 0,
        reverse: reverse !== (script?.reverse ?? false),
      };
    }),
  ];
  return uses
    .filter(({ weight }) => weight !== 0)
    .map(({ tracker, weight, reverse }) => {
      const sign = reverse ? -1 : 1;
      return {
        tracker,
        weight,
        wellAmount: sign * Math.max(weight, 0) + 0,
        failedAmount: sign * Math.min(weight, 0) + 0,
      };
    });
}

/** What adverts carry. */
export function effective(base: number, sum: number): number {
  return base === OWNER_PRIORITY ? OWNER_PRIORITY : Math.min(254, Math.max(1, base + sum));
}

/** The effective priority while all is well. */
export function wellPriority(side: Side, instance: VrrpInstanceConfig): number {
  const sum = weightedTrackers(side, instance).reduce((total, { wellAmount }) => total + wellAmount, 0);
  return effective(instance.priority, sum);
}

/** Every sum that some of these trackers may come to. */
export function reachableSums(trackers: readonly Weighted[]): Set<number> {
  let sums = new Set([0]);
  for (const { wellAmount, failedAmount } of trackers) {
    sums = new Set([...sums].flatMap((sum) => [sum + wellAmount, sum + failedAmount]));
  }
  return sums;
}
