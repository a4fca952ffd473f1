import { describe, expect, test } from "bun:test";
import { until } from "../../support/until.ts";
import { advertFrame, type FakeAdvert, sendFrame } from "./support/inject.ts";
import { type Host, makeLan } from "./support/lan.ts";
import { untilRouter } from "./support/ours.ts";
import { ownersOf, waitForOwner } from "./support/owners.ts";
import { standOf } from "./support/pair.ts";
import { BLOG, classic, startNode, V2 } from "./support/profiles.ts";
import { cannotMakeLan } from "./support/skip.ts";
import { longestPauseMs, record } from "./support/wire.ts";

const skip = cannotMakeLan();

/** Sends the advert from a host every `everyMs` until `enough`, and always once more than not at all. */
async function keepSending(
  host: Host,
  advert: FakeAdvert,
  everyMs: number,
  enough: () => boolean | Promise<boolean>,
): Promise<number> {
  const frame = advertFrame(host, advert);
  for (let sent = 1; ; sent++) {
    await sendFrame(host, frame);
    if (await enough()) return sent;
    await Bun.sleep(everyMs);
  }
}

describe("adverts of strangers", () => {
  test.skipIf(skip).concurrent(
    "with a wrong password every 0.4 s do not silence the MASTER, as they do keepalived's",
    async () => {
      const { lan, wire, first } = await standOf({ profile: BLOG });
      const startMs = Date.now();
      const sent = await keepSending(
        lan.c,
        { source: lan.c.address, priority: 200, password: "wrong" },
        400,
        () => wire.adverts({ from: lan.a, sinceMs: startMs }).length >= 6 || Date.now() - startMs > 10_000,
      );
      const adverts = wire.adverts({ from: lan.a, sinceMs: startMs });
      // Six adverts are five seconds: a stranger's every 0.4 s would have put off each of them.
      expect(adverts.length).toBeGreaterThanOrEqual(6);
      expect(longestPauseMs(adverts)).toBeLessThan(2 * BLOG.advertMs);
      expect(wire.adverts({ from: lan.b, sinceMs: startMs })).toEqual([]);
      await untilRouter(first, `${sent} to be counted`, ({ rejected }) => rejected["auth-password"] === sent);
      // One line a cause and peer.
      expect(first.output().match(/10\.9\.0\.3.*password/g)).toHaveLength(1);
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "with a wrong password do silence keepalived: they are well made",
    async () => {
      const lan = await makeLan();
      const wire = await record(lan);
      const pair = classic(2, 1000);
      await startNode("keepalived", pair, lan.b, "second");
      await startNode("keepalived", pair, lan.a, "first");
      await waitForOwner(lan, lan.a);
      const startMs = Date.now();
      const stranger = { source: lan.c.address, priority: 200, password: "wrong" };
      const taken = (): boolean => wire.adverts({ from: lan.b, sinceMs: startMs }).length > 0;
      await keepSending(lan.c, stranger, 400, () => taken() || Date.now() - startMs > 10_000);
      expect(taken()).toBe(true);
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "with another TTL, version or type of authentication are counted by reason, and change nothing",
    async () => {
      const { lan, wire, first } = await standOf({ profile: V2, second: null });
      const startMs = Date.now();
      const source = lan.c.address;
      await sendFrame(lan.c, advertFrame(lan.c, { source, priority: 200, ttl: 254 }));
      await sendFrame(lan.c, advertFrame(lan.c, { source, priority: 200, version: 3 }));
      await sendFrame(lan.c, advertFrame(lan.c, { source, priority: 200, password: "myPassw0rd" }));
      await sendFrame(lan.c, advertFrame(lan.c, { source, priority: 200, intervalMs: 3000 }));
      const { rejected } = await untilRouter(
        first,
        "four refusals",
        (router) => Object.values(router.rejected).reduce((sum, count) => sum + count, 0) >= 4,
      );
      expect(rejected).toEqual({ ttl: 1, version: 1, "auth-type": 1, interval: 1 });
      await wire.waitForAdvert({ from: lan.a, sinceMs: startMs + 1000 });
      expect(await ownersOf(lan)).toBe("A");
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "that use our VRID for other addresses are named with both lists, and are no election",
    async () => {
      const { lan, first } = await standOf({ profile: V2, second: null });
      const advert = { source: lan.c.address, priority: 50, addresses: ["10.9.0.200"] };
      await sendFrame(lan.c, advertFrame(lan.c, advert));
      await untilRouter(first, "the difference to be counted", ({ counters }) => counters.addressListMismatches > 0);
      expect(first.output()).toMatch(/10\.9\.0\.3.*10\.9\.0\.200.*10\.9\.0\.100/);
      expect((await first.router()).state).toBe("MASTER");
    },
    60_000,
  );
});

describe("the checksum of version 3 over IPv4", () => {
  test.skipIf(skip).concurrent(
    "is the peer's from its first advert on",
    async () => {
      const { lan, wire, first } = await standOf({ second: null });
      expect(wire.adverts({ from: lan.a }).every(({ checksum }) => checksum === "pseudo")).toBe(true);
      const rfc: FakeAdvert = { source: lan.c.address, version: 3, priority: 50, intervalMs: 100, checksum: "message" };
      await sendFrame(lan.c, advertFrame(lan.c, { ...rfc, addresses: ["10.9.0.100", "10.9.0.101"] }));
      await until("ours to be of that kind", () => wire.adverts({ from: lan.a }).at(-1)?.checksum === "message");
      expect((await first.router()).rejected).toEqual({});
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "can be pinned: another is refused",
    async () => {
      const { lan, wire, first } = await standOf({ second: null, a: { instance: 'checksum = "plain"' } });
      expect(wire.adverts({ from: lan.a }).every(({ checksum }) => checksum === "message")).toBe(true);
      const pseudo: FakeAdvert = { source: lan.c.address, version: 3, priority: 200, intervalMs: 100 };
      await sendFrame(lan.c, advertFrame(lan.c, { ...pseudo, addresses: ["10.9.0.100", "10.9.0.101"] }));
      await untilRouter(first, "the refusal", ({ rejected }) => rejected.checksum === 1);
      expect(await ownersOf(lan)).toBe("A");
      expect((await first.router()).state).toBe("MASTER");
    },
    60_000,
  );
});
