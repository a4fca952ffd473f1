/** The protocol's arithmetic, and how much later than it a busy two-core machine may be. */

import type { Profile } from "./profiles.ts";

/** Scheduling, process starts, and how often tests look. */
export const SLACK_MS = 1500;

/** RFC 3768 §6.1: (256 - priority) / 256 s; RFC 9568 §6.1: of the advert interval. */
export function skewMs({ version, advertMs }: Pick<Profile, "version" | "advertMs">, priority: number): number {
  return ((256 - priority) / 256) * (version === 2 ? 1000 : advertMs);
}

/** Silence after which a BACKUP of this priority takes over: three intervals and its skew. */
export function masterDownMs(profile: Pick<Profile, "version" | "advertMs">, priority: number): number {
  return 3 * profile.advertMs + skewMs(profile, priority);
}

/** How long an address of ours outlives its last renewal; the kernel looks about four times a second. */
export function leaseMs({ advertMs }: Pick<Profile, "advertMs">): number {
  return Math.max(1, Math.floor((3 * advertMs) / 1000) - 1) * 1000;
}
