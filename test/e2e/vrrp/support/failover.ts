import { expect } from "bun:test";
import { until } from "../../../support/until.ts";
import { killEverything } from "./faults.ts";
import { type Host, makeLan } from "./lan.ts";
import type { Kind } from "./node.ts";
import { waitForOwner, waitUntilGone, whoAnswers } from "./owners.ts";
import { type Profile, startNode } from "./profiles.ts";
import { leaseMs, masterDownMs, SLACK_MS, skewMs } from "./timing.ts";
import { record } from "./wire.ts";

/**
 * The life of a pair: both start and the first is elected; it is stopped and the second takes over; it comes back and
 * preempts; everything on it is killed and the second takes over again. The addresses and the wire agree at every
 * step, and nothing takes longer than the protocol's arithmetic says.
 */
export async function playFailovers(profile: Profile, [firstKind, secondKind]: readonly [Kind, Kind]): Promise<void> {
  const lan = await makeLan();
  const wire = await record(lan);
  const { a, b } = lan;
  const { vip } = profile;
  const owned = (host: Host, withinMs: number): Promise<void> =>
    waitForOwner(lan, host, { address: vip, timeoutMs: withinMs + SLACK_MS });

  await startNode(secondKind, profile, b, "second");
  const first = await startNode(firstKind, profile, a, "first");
  // The slower starter may find the other elected; then it takes one down interval more.
  await owned(a, 2 * masterDownMs(profile, 1));
  const { version, intervalMs, ttl, checksum } = await wire.waitForAdvert({ from: a });
  expect({ version, intervalMs, ttl }).toEqual({ version: profile.version, intervalMs: profile.advertMs, ttl: 255 });
  expect(checksum).toBe(version === 2 ? "message" : "pseudo");

  const stopMs = Date.now();
  const stopped = first.stop();
  await owned(b, skewMs(profile, 1));
  const goodbye = await wire.waitForAdvert({ from: a, sinceMs: stopMs, priority: 0 });
  const next = await wire.waitForAdvert({ from: b, sinceMs: goodbye.atMs });
  // At most the skew time; ours may do without when it is the only candidate.
  expect(next.atMs - goodbye.atMs).toBeLessThan(skewMs(profile, profile.priorities.second) + SLACK_MS);
  await until("the client to be told", () => wire.announcements(vip, goodbye.atMs).some(({ mac }) => mac === b.mac));
  await stopped;

  await startNode(firstKind, profile, a, "first");
  await owned(a, 2 * masterDownMs(profile, 1));

  const killMs = Date.now();
  await killEverything(a);
  const takeover = await wire.waitForAdvert({ from: b, sinceMs: killMs });
  expect(takeover.atMs - killMs).toBeLessThan(masterDownMs(profile, profile.priorities.second) + SLACK_MS);
  expect(wire.adverts({ from: a, sinceMs: killMs, priority: 0 })).toEqual([]);
  if (firstKind === "haproxy-lite") {
    await waitUntilGone(a, vip);
    expect(Date.now() - killMs).toBeLessThan(leaseMs(profile) + masterDownMs(profile, 1) + SLACK_MS);
    await owned(b, 0);
  }
  if (vip.includes(":")) return;
  // keepalived's address stays after SIGKILL for ever, and the dead host goes on answering.
  const answering = firstKind === "haproxy-lite" ? [b.mac] : [a.mac, b.mac].sort();
  expect(await whoAnswers(lan, wire, vip)).toEqual(answering);
}
