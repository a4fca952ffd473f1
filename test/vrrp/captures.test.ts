import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { formatAddress } from "../../src/vrrp/address.ts";
import { type ChecksumDialect, dialectsOf, fittingDialect } from "../../src/vrrp/checksum.ts";
import { type Expected, judgeAdvert } from "../../src/vrrp/judge.ts";
import { type Advert, AUTH_PASS, decodeAdvert, encodeAdvert, passwordBytes } from "../../src/vrrp/packet.ts";
import { type CapturedAdvert, readAdverts } from "../support/pcap.ts";

const FIXTURES = join(import.meta.dir, "../fixtures/vrrp");

/** How many VRRP packets each capture has, counted by another program, and the dialects in it. */
const CAPTURES: Record<string, [number, ...ChecksumDialect[]]> = {
  "garp-burst.pcap": [1, "plain"],
  "na-burst.pcap": [1, "pseudo"],
  "prio0-shutdown.pcap": [10, "plain", "pseudo"],
  "v2-bad-auth-starves-master.pcap": [24, "plain"],
  "v2-broken-reload.pcap": [7, "plain"],
  "v2-election-preempt.pcap": [16, "plain"],
  "v2-equal-prio.pcap": [22, "plain"],
  "v2-failover-sigkill.pcap": [15, "plain"],
  "v2-frozen-backup.pcap": [11, "plain"],
  "v2-frozen-master.pcap": [15, "plain"],
  "v2-kill-child.pcap": [8, "plain"],
  "v2-kill-parent.pcap": [9, "plain"],
  "v2-link-faults.pcap": [38, "plain"],
  "v2-noauth.pcap": [8, "plain"],
  "v2-nopreempt.pcap": [14, "plain"],
  "v2-owner-255.pcap": [4, "plain"],
  "v2-pass-track.pcap": [32, "plain"],
  "v2-preempt-delay.pcap": [25, "plain"],
  "v2-reload.pcap": [35, "plain"],
  "v2-script-fault.pcap": [19, "plain"],
  "v2-unicast.pcap": [10, "plain"],
  "v2-vmac.pcap": [8, "plain"],
  "v3-10cs.pcap": [18, "pseudo"],
  // One advert of the injector has a wrong checksum.
  "v3-csum-as-v2.pcap": [7, "plain"],
  "v3-hmac.pcap": [10, "pseudo"],
  "v3-ipv4.pcap": [8, "pseudo"],
  "v3-ipv6.pcap": [8, "pseudo"],
  "v3-unicast-oldcsum.pcap": [9, "pseudo-group"],
  "v3-unicast.pcap": [18, "pseudo"],
};

const familyOf = ({ source }: CapturedAdvert): 4 | 6 => (source.length === 16 ? 6 : 4);

/** What a captured packet says; throws when it cannot be read. */
function reading(packet: CapturedAdvert): { advert: Advert; dialect: ChecksumDialect | null } {
  const decoded = decodeAdvert(packet.payload, familyOf(packet));
  if (!decoded.ok) throw new Error(`${decoded.reason}: ${decoded.detail}`);
  const { advert, summed } = decoded;
  return { advert, dialect: fittingDialect(summed, packet, dialectsOf(advert.version, familyOf(packet))) };
}

test("every capture in the folder is in the table", () => {
  const files = readdirSync(FIXTURES).filter((name) => name.endsWith(".pcap"));
  expect(files.toSorted()).toEqual(Object.keys(CAPTURES).toSorted());
});

test.each(Object.entries(CAPTURES))("%s: each advert is read, and written again byte for byte", (file, expected) => {
  const [packets, ...dialects] = expected;
  const adverts = readAdverts(join(FIXTURES, file));
  expect(adverts.length).toBe(packets);
  const seen = new Set<ChecksumDialect>();
  for (const packet of adverts) {
    const { advert, dialect } = reading(packet);
    const isForgery = dialect === null && formatAddress(packet.source) === "10.9.0.3";
    if (isForgery) continue;
    if (dialect === null) throw new Error(`a wrong checksum from ${formatAddress(packet.source)}`);
    seen.add(dialect);
    expect(encodeAdvert(advert, { ...packet, dialect })).toEqual(packet.payload);
  }
  expect([...seen].toSorted()).toEqual(dialects);
});

describe("what the captures say", () => {
  const said = (file: string): Advert[] => readAdverts(join(FIXTURES, file)).map((packet) => reading(packet).advert);
  const priorities = (adverts: Advert[]): number[] => [...new Set(adverts.map(({ priority }) => priority))];

  test("version 2 with a password of ten characters carries the first eight", () => {
    const adverts = said("v2-pass-track.pcap");
    expect(priorities(adverts)).toEqual([103, 101, 102, 0]);
    for (const { version, auth, intervalMs } of adverts) {
      expect({ version, auth, intervalMs }).toEqual({
        version: 2,
        auth: { type: AUTH_PASS, data: passwordBytes("myPassw0rd") },
        intervalMs: 1000,
      });
    }
  });

  test("advert_int 0.1 in version 3 is 100 ms", () => {
    expect(new Set(said("v3-10cs.pcap").map(({ intervalMs }) => intervalMs))).toEqual(new Set([100]));
  });

  test("IPv6 addresses come in the order of the configuration, the link-local one first", () => {
    for (const { virtualRouterId, addresses } of said("v3-ipv6.pcap")) {
      expect(virtualRouterId).toBe(61);
      expect(addresses.map(formatAddress)).toEqual(["fe80::100", "fd00:9::100"]);
    }
  });

  test("a signed advert of keepalived 2.4 has a trailer of 28 bytes, an unsigned one has none", () => {
    const trailers = said("v3-hmac.pcap").map(({ priority, trailer }) => [priority, trailer.length]);
    expect(trailers).toContainEqual([101, 28]);
    expect(trailers).toContainEqual([200, 0]);
    expect(trailers.filter(([, sizeBytes]) => sizeBytes === 28).length).toBe(9);
  });
});

describe("what a third router of the same configuration makes of the captures", () => {
  const own = (text: string): Uint8Array => Uint8Array.from(text.split("."), Number);
  const none: Expected = {
    version: 2,
    family: 4,
    virtualRouterId: 51,
    auth: null,
    intervalMs: 1000,
    unicastPeers: null,
    addresses: [own("10.9.0.100")],
    checksum: "auto",
    source: own("10.9.0.4"),
  };
  const pass = (password: string): Expected => ({
    ...none,
    auth: { type: AUTH_PASS, data: passwordBytes(password) },
  });
  const v3: Expected = { ...none, version: 3 };
  const unicast = { unicastPeers: [own("10.9.0.1"), own("10.9.0.2")] };
  const v6 = ["fe800000000000000000000000000100", "fd000009000000000000000000000100"];

  test.each<[string, Expected, Record<string, number>]>([
    ["v2-noauth.pcap", none, { "accepted plain": 8 }],
    ["v2-election-preempt.pcap", none, { "accepted plain": 16 }],
    ["v2-vmac.pcap", none, { "accepted plain": 8 }],
    ["v2-owner-255.pcap", none, { "accepted plain, other addresses": 4 }],
    ["v2-reload.pcap", none, { "accepted plain": 29, "accepted plain, other addresses": 6 }],
    ["v2-pass-track.pcap", pass("myPassw0rd"), { "accepted plain": 32 }],
    ["v2-pass-track.pcap", pass("myPassw0"), { "accepted plain": 32 }],
    ["v2-pass-track.pcap", none, { "rejected auth-type": 32 }],
    ["v2-noauth.pcap", pass("myPassw0rd"), { "rejected auth-type": 8 }],
    ["v2-bad-auth-starves-master.pcap", pass("myPassw0rd"), { "accepted plain": 9, "rejected auth-password": 15 }],
    ["v2-unicast.pcap", { ...pass("s3cret"), ...unicast }, { "accepted plain": 10 }],
    ["v2-unicast.pcap", pass("s3cret"), { "rejected destination": 10 }],
    ["v3-ipv4.pcap", { ...v3, addresses: [own("10.9.0.101"), own("10.9.0.100")] }, { "accepted pseudo": 8 }],
    ["v3-ipv4.pcap", { ...v3, virtualRouterId: 52 }, { foreign: 8 }],
    ["v3-ipv4.pcap", none, { "rejected version": 8 }],
    ["v3-10cs.pcap", v3, { "accepted pseudo": 18 }],
    ["v3-unicast.pcap", { ...v3, ...unicast }, { "accepted pseudo": 18 }],
    ["v3-unicast.pcap", { ...v3, unicastPeers: [own("10.9.0.1")] }, { "accepted pseudo": 10, "rejected source": 8 }],
    ["v3-unicast-oldcsum.pcap", { ...v3, ...unicast }, { "accepted pseudo-group": 9 }],
    ["v3-unicast-oldcsum.pcap", { ...v3, ...unicast, checksum: "pseudo" }, { "rejected checksum": 9 }],
    ["v3-csum-as-v2.pcap", v3, { "accepted plain": 6, "rejected checksum": 1 }],
    ["v3-csum-as-v2.pcap", { ...v3, checksum: "plain" }, { "accepted plain": 6, "rejected checksum": 1 }],
    ["v3-csum-as-v2.pcap", { ...v3, checksum: "pseudo" }, { "rejected checksum": 7 }],
    ["v3-hmac.pcap", v3, { "accepted pseudo": 1, "rejected trailer": 9 }],
    [
      "v3-ipv6.pcap",
      {
        ...v3,
        family: 6,
        virtualRouterId: 61,
        addresses: v6.map((hex) => Uint8Array.from(Buffer.from(hex, "hex"))),
        source: Uint8Array.from(Buffer.from("fe8000000000000000000000fe000904", "hex")),
      },
      { "accepted pseudo": 8 },
    ],
    ["v2-equal-prio.pcap", { ...none, source: own("10.9.0.2") }, { "accepted plain": 13, "rejected own-address": 9 }],
  ])("%s %#", (file, expected, tally) => {
    const verdicts: Record<string, number> = {};
    for (const packet of readAdverts(join(FIXTURES, file))) {
      const verdict = judgeAdvert(packet, expected);
      const name =
        verdict.kind === "accepted"
          ? `accepted ${verdict.dialect}${verdict.addressesDiffer === null ? "" : ", other addresses"}`
          : verdict.kind === "rejected"
            ? `rejected ${verdict.reason}`
            : verdict.kind;
      verdicts[name] = (verdicts[name] ?? 0) + 1;
    }
    expect(verdicts).toEqual(tally);
  });
});
