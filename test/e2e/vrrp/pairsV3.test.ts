import { describe, test } from "bun:test";
import { playFailovers } from "./support/failover.ts";
import { PAIRINGS, V3, V3_IPV6, V3_UNICAST } from "./support/profiles.ts";
import { cannotMakeLan } from "./support/skip.ts";

const skip = cannotMakeLan();

describe("version 3: election, failover, return and takeover from the dead", () => {
  for (const profile of [V3, V3_IPV6, V3_UNICAST])
    for (const pairing of PAIRINGS)
      test
        .skipIf(skip)
        .concurrent(`${profile.name}: ${pairing.join(" before ")}`, () => playFailovers(profile, pairing), 60_000);
});
