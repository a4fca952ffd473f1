import { describe, expect, test } from "bun:test";
import { until } from "../../support/until.ts";
import { isolate, reunite } from "./support/faults.ts";
import { ownersOf, waitForOwner, whoAnswers } from "./support/owners.ts";
import { standOf } from "./support/pair.ts";
import { V3 } from "./support/profiles.ts";
import { cannotMakeLan } from "./support/skip.ts";

const skip = cannotMakeLan();

describe("a network that falls in two and heals", () => {
  // Both are MASTER meanwhile. Which of them hears the other first is chance: four times, so that both happen. (keepalived
  // as the loser tells nobody that it was MASTER, unless its higher_prio_send_advert is set.)
  for (const round of [1, 2, 3, 4]) {
    test.skipIf(skip).concurrent(
      `the winner announces the address again at once, so that no client stays with the loser: ${round}`,
      async () => {
        const { lan, wire } = await standOf({
          profile: V3,

          a: { instance: 'garp_master_delay = "0s"' },
        });
        await isolate(lan, lan.b);
        await until("both to have the address", async () => (await ownersOf(lan)) === "A+B");
        const healMs = Date.now();
        await reunite(lan, lan.b);
        await waitForOwner(lan, lan.a);
        // One advert interval each, the answer, and the machine's own delays; the refresh would come after a minute.
        await until("the winner to announce it", () =>
          wire.announcements(V3.vip, healMs).some(({ mac }) => mac === lan.a.mac),
        );
        expect(wire.announcements(V3.vip, healMs).at(-1)?.mac).toBe(lan.a.mac);
        expect(await whoAnswers(lan, wire)).toEqual([lan.a.mac]);
      },
      60_000,
    );
  }
});
