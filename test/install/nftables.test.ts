import { expect, test } from "bun:test";
import { parseNftInputChains } from "../../src/install/nftables.ts";

/** As nft 1.0.6 says it; a chain each. */
const output = (...chains: object[]): string =>
  JSON.stringify({
    nftables: [
      { metainfo: { version: "1.0.6", release_name: "Lester Gooch #5", json_schema_version: 1 } },
      ...chains.map((chain) => ({ chain: { handle: 1, prio: 0, policy: "drop", ...chain } })),
    ],
  });
const own = { family: "inet", table: "filter", name: "input", type: "filter", hook: "input" };

test("a chain of the hook input is named by family, table and name", () => {
  expect(parseNftInputChains(output(own, { ...own, family: "ip6", table: "mine" }))).toEqual([
    "inet filter input",
    "ip6 mine input",
  ]);
});

test("chains of other hooks, types and families, and those that are only jumped to, judge nothing that comes in", () => {
  const { hook: _hook, type: _type, ...jumpedTo } = own;
  const others = [{ ...own, hook: "forward" }, { ...own, type: "nat" }, { ...own, family: "bridge" }, jumpedTo];
  expect(parseNftInputChains(output(...others))).toEqual([]);
});

test("those of firewalld and of iptables are theirs to change", () => {
  const theirs = [
    { ...own, table: "firewalld", name: "filter_INPUT" },
    { ...own, family: "ip", name: "INPUT" },
    { ...own, family: "ip6", name: "INPUT" },
  ];
  expect(parseNftInputChains(output(...theirs))).toEqual([]);
});

test.each(["", "nonsense", "{}", "null", '{"nftables":[null]}', '{"nftables":{}}'])(
  "of %p nothing is understood",
  (text) => {
    expect(parseNftInputChains(text)).toEqual([]);
  },
);
