import { describe, test } from "bun:test";
import { playFailovers } from "./support/failover.ts";
import { BLOG, PAIRINGS, V2, V2_UNICAST } from "./support/profiles.ts";
import { cannotMakeLan } from "./support/skip.ts";

const skip = cannotMakeLan();

describe("version 2: election, failover, return and takeover from the dead", () => {
  for (const profile of [BLOG, V2, V2_UNICAST])
    for (const pairing of PAIRINGS)
      test
        .skipIf(skip)
        .concurrent(`${profile.name}: ${pairing.join(" before ")}`, () => playFailovers(profile, pairing), 60_000);
});
