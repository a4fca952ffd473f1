import { describe, expect, test } from "bun:test";
import { addAddressRequest } from "../../src/net/addressMessages.ts";
import { LinkTable } from "../../src/net/linkTable.ts";
import {
  encodeRequest,
  type NetlinkMessage,
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_NEWADDR,
  RTM_NEWLINK,
} from "../../src/net/netlinkMessages.ts";
import { bytesOf } from "./support/ip.ts";

const SECONDARY = 0x01;
const DADFAILED = 0x08;
const TENTATIVE = 0x40;
const OPTIMISTIC = 0x04;
const LINK = 253;

/** The kernel's notice of an address on interface 2. */
function notice(cidr: string, { type = RTM_NEWADDR, flags = 0, scope = 0, validSeconds = 60 } = {}): NetlinkMessage {
  const [text = "", prefixLength] = cidr.split("/");
  const request = addAddressRequest({
    ifindex: 2,
    address: bytesOf(text),
    prefixLength: Number(prefixLength),
    validSeconds,
  });
  const payload = encodeRequest(request, 0, 0).subarray(16);
  payload[3] = scope;
  payload[payload.length - 16 + 4] = flags; // IFA_FLAGS stands before the last attribute
  return { type, flags: 0, sequence: 0, payload };
}

/** Of interface 2, named eth0. */
const LINK_NOTICE = {
  flags: 0,
  sequence: 0,
  payload: Uint8Array.fromHex(
    "00000100020000004300010000000000" + "0900030065746830" + "00000000" + "08000400dc050000",
  ),
};

function tableOf(...notices: NetlinkMessage[]): LinkTable {
  const table = new LinkTable();
  table.apply(notices);
  return table;
}

describe("the source of adverts", () => {
  test.each([
    ["the first primary global address", [notice("192.0.2.1/24"), notice("192.0.2.2/24")], "192.0.2.1"],
    [
      "a primary one before a secondary one",
      [notice("192.0.2.9/24", { flags: SECONDARY }), notice("192.0.2.2/24")],
      "192.0.2.2",
    ],
    ["a secondary one when there is no other", [notice("192.0.2.9/24", { flags: SECONDARY })], "192.0.2.9"],
    [
      "a global one before a link-local one",
      [notice("169.254.1.1/16", { scope: LINK }), notice("192.0.2.2/24")],
      "192.0.2.2",
    ],
    ["a link-local one when there is no other", [notice("169.254.1.1/16", { scope: LINK })], "169.254.1.1"],
    ["never one of scope host", [notice("127.0.0.1/8", { scope: 254 })], null],
    ["never the virtual address", [notice("192.0.2.100/24")], null],
    ["none of the other family", [notice("fe80::1/64", { scope: LINK })], null],
  ])("of IPv4 is %s", (_, notices, source) => {
    expect(tableOf(...notices).sourceFor(2, 4, [bytesOf("192.0.2.100")])).toEqual(
      source === null ? null : bytesOf(source),
    );
  });

  test.each([
    ["a link-local address", [notice("2001:db8::1/64"), notice("fe80::1/64", { scope: LINK })], "fe80::1"],
    ["none while it is checked for duplicates", [notice("fe80::1/64", { scope: LINK, flags: TENTATIVE })], null],
    [
      "one that is checked while in use",
      [notice("fe80::1/64", { scope: LINK, flags: TENTATIVE | OPTIMISTIC })],
      "fe80::1",
    ],
    ["none that another host has", [notice("fe80::1/64", { scope: LINK, flags: DADFAILED })], null],
    [
      "never the virtual address",
      [notice("fe80::100/64", { scope: LINK }), notice("fe80::1/64", { scope: LINK })],
      "fe80::1",
    ],
    ["no global address", [notice("2001:db8::1/64")], null],
  ])("of IPv6 is %s", (_, notices, source) => {
    expect(tableOf(...notices).sourceFor(2, 6, [bytesOf("fe80::100")])).toEqual(
      source === null ? null : bytesOf(source),
    );
  });

  test("is none on an interface that is not there", () => {
    expect(tableOf(notice("192.0.2.1/24")).sourceFor(3, 4, [])).toBeNull();
  });
});

describe("the table of addresses", () => {
  test("keeps one address twice when its prefix lengths differ, as the kernel does for IPv4", () => {
    const table = tableOf(notice("192.0.2.100/24"), notice("192.0.2.100/32"));
    expect(table.addressesOf(2)).toHaveLength(2);
    table.apply([notice("192.0.2.100/24", { type: RTM_DELADDR })]);
    expect(table.hasAddress(2, bytesOf("192.0.2.100"))).toBe(true);
    table.apply([notice("192.0.2.100/32", { type: RTM_DELADDR })]);
    expect(table.hasAddress(2, bytesOf("192.0.2.100"))).toBe(false);
  });

  test("knows of no address removed that it never knew", () => {
    expect(tableOf().apply([notice("192.0.2.100/24", { type: RTM_DELADDR })])).toEqual([]);
  });

  test("forgets the addresses of an interface that is gone, also when nobody said that they are", () => {
    const table = tableOf(notice("192.0.2.1/24"), { ...LINK_NOTICE, type: RTM_NEWLINK });
    expect(table.linkByName("eth0")).toMatchObject({ index: 2 });
    const kinds = table.apply([{ ...LINK_NOTICE, type: RTM_DELLINK }]).map(({ kind }) => kind);
    expect(kinds).toEqual(["addressRemoved", "linkRemoved"]);
    expect([table.links(), table.addressesOf(2)]).toEqual([[], []]);
  });

  test("finds what a new dump adds, changes and lacks", () => {
    const table = tableOf(notice("192.0.2.1/24"), notice("192.0.2.2/24"), notice("192.0.2.3/24"));
    const changes = table.replace([
      notice("192.0.2.2/24", { validSeconds: 90 }),
      notice("192.0.2.3/24", { flags: SECONDARY }),
      notice("192.0.2.4/24"),
    ]);
    expect(changes).toMatchObject([
      { kind: "addressRemoved", address: { address: bytesOf("192.0.2.1") } },
      {
        kind: "addressChanged",
        address: { address: bytesOf("192.0.2.3"), secondary: true },
        before: { secondary: false },
      },
      { kind: "addressAdded", address: { address: bytesOf("192.0.2.4") } },
    ]);
    expect(table.addressesOf(2).map(({ validSeconds }) => validSeconds)).toEqual([90, 60, 60]);
  });
});
