import type { Algorithm } from "../config/schema.ts";
import { first } from "./first.ts";
import { leastConn } from "./leastConn.ts";
import { random } from "./random.ts";
import { roundRobin } from "./roundRobin.ts";
import { source } from "./source.ts";
import type { BalancerKind } from "./types.ts";

/** Every `balance` algorithm by its name in the file: a name without an implementation does not compile, nor the reverse. */
export const balancers: Readonly<Record<Algorithm, BalancerKind>> = {
  roundrobin: { create: roundRobin, dynamicWeights: true },
  "static-rr": { create: roundRobin, dynamicWeights: false },
  leastconn: { create: leastConn, dynamicWeights: true },
  first: { create: first, dynamicWeights: true },
  source: { create: source, dynamicWeights: true },
  random: { create: random, dynamicWeights: true },
};
