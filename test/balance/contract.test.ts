import { describe, expect, test } from "bun:test";
import { balancers } from "../../src/balance/index.ts";
import type { Algorithm } from "../../src/config/schema.ts";
import { balancerContract, type ContractTraits } from "./contract.ts";

const traits: Record<Algorithm, ContractTraits> = {
  roundrobin: { proportional: true },
  "static-rr": { proportional: true },
  leastconn: { proportional: true },
  first: { proportional: false },
  source: { proportional: true },
  random: { proportional: true },
};

for (const name of Object.keys(traits) as Algorithm[]) balancerContract(name, balancers[name], traits[name]);

describe("the table of algorithms", () => {
  test("names each algorithm of the file once", () => {
    expect(Object.keys(balancers).sort()).toEqual(Object.keys(traits).sort());
  });

  test("static-rr alone ignores weights that are set at run time", () => {
    const fixed = Object.entries(balancers).filter(([, kind]) => !kind.dynamicWeights);
    expect(fixed.map(([name]) => name)).toEqual(["static-rr"]);
  });

  test("source alone is bound to one server", () => {
    const bound = Object.entries(balancers).filter(([, kind]) => kind.create({ random: () => 0, names: [] }).bound);
    expect(bound.map(([name]) => name)).toEqual(["source"]);
  });
});
