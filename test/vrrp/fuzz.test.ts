import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { ChecksumDialect } from "../../src/vrrp/checksum.ts";
import { type Expected, judgeAdvert } from "../../src/vrrp/judge.ts";
import { AUTH_PASS, decodeAdvert, encodeAdvert, NO_AUTHENTICATION, passwordBytes } from "../../src/vrrp/packet.ts";
import type { Datagram } from "../../src/vrrp/ports.ts";
import { REJECT_REASONS } from "../../src/vrrp/rejection.ts";
import { readAdverts } from "../support/pcap.ts";

/** `VRRP_FUZZ_SEED=n` plays the one packet that failed again, and shows it. */
const REPLAY = process.env.VRRP_FUZZ_SEED;
const PACKETS = 240_000;
/** Generous for a busy machine: a packet takes some microseconds, one that hangs takes for ever. */
const LONGEST_MS = 500;

const FIXTURES = join(import.meta.dir, "../fixtures/vrrp");
const DIALECTS: readonly ChecksumDialect[] = ["pseudo", "plain", "pseudo-group"];

/** One packet of each shape and sender in the captures. */
const SEEDS: readonly Datagram[] = [
  ...new Map(
    readdirSync(FIXTURES)
      .filter((name) => name.endsWith(".pcap"))
      .flatMap((name) => readAdverts(join(FIXTURES, name)))
      .map((packet) => [`${packet.source} ${packet.destination} ${packet.payload.slice(0, 6)}`, packet]),
  ).values(),
];

/** Whole numbers of 0..limit-1, the same for the same seed (mulberry32). */
function random(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  };
}

const familyOf = ({ source }: Datagram): 4 | 6 => (source.length === 16 ? 6 : 4);

/**
 * What must be left of a message with its pseudo-header, taken as one long number, divided by 65535: 0 when the
 * checksum is right. 65536 leaves 1, so this is the one's complement sum by another road.
 */
function remainder(message: Uint8Array, { source, destination }: Datagram, dialect: ChecksumDialect): number {
  const receiver = dialect === "pseudo-group" ? [224, 0, 0, 18] : destination;
  const [high, low] = [message.length >> 8, message.length & 0xff];
  const tail = source.length === 16 ? [0, 0, high, low, 0, 0, 0, 112] : [0, 112, high, low];
  const pseudo = dialect === "plain" ? [] : [...source, ...receiver, ...tail];
  let rest = 0;
  for (const byte of pseudo) rest = (rest * 256 + byte) % 65535;
  for (const byte of message) rest = (rest * 256 + byte) % 65535;
  return rest;
}

/** The part of a message that is summed up: over IPv4 not the 28 bytes of a signature. */
function summed({ payload, source }: Datagram): Uint8Array {
  const [first = 0, , , count = 0] = payload;
  const fieldsBytes = 8 + 4 * count + (first >> 4 === 2 ? 8 : 0);
  return source.length === 4 && payload.length === fieldsBytes + 28 ? payload.subarray(0, fieldsBytes) : payload;
}

/** Makes the checksum right in a dialect, where there is one. */
function seal(datagram: Datagram, dialect: ChecksumDialect): void {
  const { payload } = datagram;
  if (payload.length < 8) return;
  payload.fill(0, 6, 8);
  const field = 65535 - remainder(summed(datagram), datagram, dialect);
  payload.set([field >> 8, field & 0xff], 6);
}

/** What the sender of a captured packet would expect of it. */
function expectedOf(packet: Datagram, below: (limit: number) => number): Expected {
  const decoded = decodeAdvert(packet.payload, familyOf(packet));
  if (decoded.advert === null) throw new Error("a captured packet cannot be read");
  const { version, virtualRouterId, auth, intervalMs, addresses } = decoded.advert;
  const toGroup = packet.destination[0] === 224 || packet.destination[0] === 0xff;
  return {
    version,
    family: familyOf(packet),
    virtualRouterId,
    auth: auth?.type === AUTH_PASS ? { type: AUTH_PASS, data: passwordBytes("myPassw0rd") } : NO_AUTHENTICATION,
    intervalMs,
    unicastPeers: toGroup ? null : [packet.source],
    addresses,
    checksum: (["auto", "auto", "auto", ...DIALECTS] as const)[below(6)] ?? "auto",
    source: below(50) === 0 ? packet.source : packet.source.map((byte) => byte ^ 1),
  };
}

/** Bytes at the edges of fields. */
const EDGES = [0, 1, 2, 3, 4, 7, 8, 15, 16, 0x21, 0x31, 0x3f, 51, 61, 64, 127, 128, 254, 255];

function mutate(packet: Datagram, below: (limit: number) => number): Datagram {
  let payload: Uint8Array = packet.payload.slice();
  let { source, destination, ttl } = packet;
  for (let changes = below(5); changes > 0; changes--) {
    const at = below(payload.length + 1);
    switch (below(9)) {
      case 0:
        payload[at] = (payload[at] ?? 0) ^ (1 << below(8));
        break;
      case 1:
        payload[at] = EDGES[below(EDGES.length)] ?? 0;
        break;
      case 2:
        payload[below(8)] = EDGES[below(EDGES.length)] ?? 0;
        break;
      case 3:
        payload = payload.slice(0, at);
        break;
      case 4:
        payload = joined(payload, bytes(below(40), below));
        break;
      case 5: // a signature
        payload = joined(payload, Uint8Array.of(1), bytes(27, below));
        break;
      case 6: // one address more, or fewer
        payload[3] = (payload[3] ?? 0) + 1 - below(3);
        payload = joined(payload.slice(0, 8), bytes(source.length, below), payload.slice(8));
        break;
      case 7:
        ttl = below(4) === 0 ? below(256) : ttl;
        break;
      case 8:
        if (below(2) === 0) source = bytes(source.length, below);
        else destination = bytes(source.length, below);
        break;
    }
  }
  if (below(10) === 0) payload = bytes(below(80), below);
  return { source, destination, ttl, payload };
}

const bytes = (sizeBytes: number, below: (limit: number) => number): Uint8Array =>
  Uint8Array.from({ length: sizeBytes }, () => below(256));

const joined = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));

/** Makes the packet of a seed, has it judged, and holds what must be true of any verdict; the verdict's name. */
function play(seed: number): string {
  const below = random(seed);
  const origin = SEEDS[below(SEEDS.length)];
  if (origin === undefined) throw new Error("no captures");
  const expected = expectedOf(origin, below);
  const datagram = mutate(origin, below);
  if (below(4) > 0) seal(datagram, DIALECTS[below(3)] ?? "plain");
  if (REPLAY !== undefined) console.error({ expected, datagram, hex: Buffer.from(datagram.payload).toString("hex") });

  const untouched = datagram.payload.slice();
  const startMs = performance.now();
  const verdict = judgeAdvert(datagram, expected);
  if (performance.now() - startMs > LONGEST_MS) throw new Error("it took too long");
  if (!same(datagram.payload, untouched)) throw new Error("the message was changed");

  if (verdict.kind === "accepted") {
    const { advert, dialect } = verdict;
    if (remainder(summed(datagram), datagram, dialect) !== 0) throw new Error("a wrong checksum was accepted");
    if (expected.checksum !== "auto" && expected.version === 3 && expected.family === 4) {
      if (dialect !== expected.checksum) throw new Error("another dialect was accepted than the one that is set");
    }
    // Zero has two forms in one's complement, ffff and 0000; the one that is written is 0000.
    const again = encodeAdvert(advert, { ...datagram, dialect });
    if (datagram.payload[6] === 0xff && datagram.payload[7] === 0xff) again.set([0xff, 0xff], 6);
    if (!same(again, datagram.payload)) throw new Error("it is not written as it was read");
  }
  const decoded = decodeAdvert(datagram.payload, expected.family);
  if (decoded.ok) {
    const message = encodeAdvert(decoded.advert, { ...datagram, dialect: "pseudo" });
    const reread = decodeAdvert(message, expected.family);
    if (!Bun.deepEquals(reread.advert, decoded.advert, true)) throw new Error("it reads otherwise when written again");
  }
  return verdict.kind === "rejected" ? verdict.reason : verdict.kind;
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** Plays it, and says how to play it again when it fails. */
function tell(seed: number): string {
  try {
    return play(seed);
  } catch (error) {
    throw new Error(`VRRP_FUZZ_SEED=${seed}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

test("no packet makes the decoder throw, hang, or accept a wrong checksum; what it reads it can write", () => {
  if (REPLAY !== undefined) {
    console.error(tell(Number(REPLAY)));
    return;
  }
  const verdicts: Record<string, number> = {};
  for (let seed = 1; seed <= PACKETS; seed++) {
    const name = tell(seed);
    verdicts[name] = (verdicts[name] ?? 0) + 1;
  }
  // Packets that all fail at the first check would prove nothing: every way out was taken, and often.
  for (const name of ["foreign", "accepted", ...REJECT_REASONS]) {
    expect([name, (verdicts[name] ?? 0) >= 100]).toEqual([name, true]);
  }
}, 60_000);

test("the longest packets that IP carries are judged at once", () => {
  const below = random(20261122);
  for (const origin of SEEDS) {
    const payload = bytes(65_535, below);
    payload.set(origin.payload);
    for (const count of [0, 1, 255]) {
      payload[3] = count;
      for (const sizeBytes of [65_514, 65_535, 8 + 255 * origin.source.length]) {
        const startMs = performance.now();
        const verdict = judgeAdvert({ ...origin, payload: payload.subarray(0, sizeBytes) }, expectedOf(origin, below));
        expect(performance.now() - startMs).toBeLessThan(LONGEST_MS);
        expect(verdict.kind).toBe("rejected");
      }
    }
  }
});
