import { describe, expect, test } from "bun:test";
import { sourceOf, subjectsOf } from "../../../src/vrrp/truthTable/pair.ts";
import { pairOf, type SideWishes } from "./side.ts";

/** Instances as name, id, address. */
function having(...instances: readonly (readonly [string, number, string])[]): SideWishes {
  const lines = instances.map(
    ([name, id, address]) =>
      `[vrrp.instance.${name}]\ninterface = "eth0"\nvirtual_router_id = ${id}\nvirtual_ipaddress = ["${address}/24"]\n`,
  );
  return { instances: lines.join("") };
}

/** The names of each pair, "-" for none. */
function matched(a: SideWishes, b: SideWishes): string[] {
  return subjectsOf(pairOf(a, b)).map(({ instances }) => instances.map((each) => each?.name ?? "-").join(" "));
}

describe("virtual routers of two hosts belong together", () => {
  test("that share an address, whatever their ids and names", () => {
    const a = having(["one", 51, "192.0.2.100"], ["two", 52, "192.0.2.101"]);
    const b = having(["one", 51, "192.0.2.101"], ["two", 52, "192.0.2.100"]);
    expect(matched(a, b)).toEqual(["one two", "two one"]);
  });

  test("that share an id, where the addresses say nothing", () => {
    const a = having(["one", 51, "192.0.2.100"], ["two", 52, "192.0.2.101"]);
    const b = having(["VI", 52, "192.0.2.201"], ["VJ", 51, "192.0.2.200"]);
    expect(matched(a, b)).toEqual(["one VJ", "two VI"]);
  });

  test("that share a name, where ids say nothing either", () => {
    const a = having(["one", 51, "192.0.2.100"], ["two", 52, "192.0.2.101"]);
    const b = having(["two", 62, "192.0.2.200"], ["one", 61, "192.0.2.201"]);
    expect(matched(a, b)).toEqual(["one one", "two two"]);
  });

  test("that are the only ones left", () => {
    expect(matched(having(["one", 51, "192.0.2.100"]), having(["uno", 61, "192.0.2.200"]))).toEqual(["one uno"]);
    const two = having(["one", 51, "192.0.2.100"], ["two", 52, "192.0.2.101"]);
    expect(matched(two, having(["uno", 51, "192.0.2.100"]))).toEqual(["one uno", "two -"]);
    expect(matched(having(["uno", 51, "192.0.2.100"]), two)).toEqual(["uno one", "- two"]);
  });
});

test("a host sends from the address that either file or the host itself tells", () => {
  const unicast = (lines: string): SideWishes => ({ instance: lines });
  const pair = pairOf(
    unicast('unicast_peer = ["192.0.2.2"]'),
    unicast('unicast_src_ip = "192.0.2.9"\nunicast_peer = ["192.0.2.1"]'),
  );
  const [subject] = subjectsOf(pair);
  const [a, b] = subject?.instances ?? [];
  if (a == null || b == null) throw new Error("they belong together");
  expect(sourceOf(pair, 0, a, b)).toBe("192.0.2.1");
  expect(sourceOf(pair, 1, b, a)).toBe("192.0.2.9");
  const known = pairOf({ address: "192.0.2.7" }, {});
  const [own] = subjectsOf(known)[0]?.instances ?? [];
  if (own == null) throw new Error("it is there");
  expect(sourceOf(known, 0, own, null)).toBe("192.0.2.7");
});
