import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runOk } from "../../../support/process.ts";
import { tmpDir } from "../../../support/tmp.ts";
import { inetSum } from "./frames.ts";
import { DEVICE, type Host, VIP } from "./lan.ts";

/** What a made-up IPv4 advert says; the rest is as keepalived would send it. */
export interface FakeAdvert {
  source: string;
  version?: 2 | 3;
  vrid?: number;
  priority: number;
  /** Version 2: clear text password, cut or zero-filled to 8 bytes; without it authentication type 0. */
  password?: string;
  intervalMs?: number;
  addresses?: readonly string[];
  ttl?: number;
  /** Version 3: checksum over the message alone (RFC 9568) or with the pseudo-header (keepalived); default the latter. */
  checksum?: "message" | "pseudo";
}

const GROUP = "224.0.0.18";
const GROUP_MAC = "01:00:5e:00:00:12";

/** Puts an Ethernet frame on the wire at a host's interface. */
export async function sendFrame(host: Host, frame: Uint8Array): Promise<void> {
  const file = join(tmpDir(), "frame");
  writeFileSync(file, frame);
  await runOk(host.ns.inside(["socat", "-u", `OPEN:${file}`, `INTERFACE:${DEVICE}`]));
}

/** An advert as a whole Ethernet frame. */
export function advertFrame(from: Host, advert: FakeAdvert): Buffer {
  const message = vrrpMessage(advert);
  const header = Buffer.from([0x45, 0xc0, 0, 0, 0, 1, 0, 0, advert.ttl ?? 255, 112, 0, 0]);
  const ip = Buffer.concat([header, ipBytes(advert.source), ipBytes(GROUP)]);
  ip.writeUInt16BE(ip.length + message.length, 2);
  ip.writeUInt16BE(inetSum(ip), 10);
  return Buffer.concat([ethernet(GROUP_MAC, from.mac, 0x0800), ip, message]);
}

/** An ARP request to everybody: who has the address, tell this host. */
export function arpRequest(from: Host, address: string): Buffer {
  const zero = Buffer.alloc(6);
  const arp = Buffer.from([0, 1, 8, 0, 6, 4, 0, 1]);
  const body = [arp, macBytes(from.mac), ipBytes(from.address), zero, ipBytes(address), Buffer.alloc(18)];
  return Buffer.concat([ethernet("ff:ff:ff:ff:ff:ff", from.mac, 0x0806), ...body]);
}

function vrrpMessage(advert: FakeAdvert): Buffer {
  const { version = 2, vrid = 51, intervalMs = 1000, addresses = [VIP], password } = advert;
  const head = [(version << 4) | 1, vrid, advert.priority, addresses.length];
  const interval =
    version === 2
      ? [password === undefined ? 0 : 1, intervalMs / 1000]
      : [(intervalMs / 10) >> 8, (intervalMs / 10) & 255];
  const auth = Buffer.alloc(version === 2 ? 8 : 0);
  auth.write(password ?? "", "latin1");
  const message = Buffer.concat([Buffer.from([...head, ...interval, 0, 0]), ...addresses.map(ipBytes), auth]);
  const pseudo =
    version === 3 && advert.checksum !== "message"
      ? Buffer.concat([ipBytes(advert.source), ipBytes(GROUP), Buffer.of(0, 112, 0, message.length)])
      : Buffer.alloc(0);
  message.writeUInt16BE(inetSum(Buffer.concat([pseudo, message])), 6);
  return message;
}

function ethernet(to: string, from: string, type: number): Buffer {
  return Buffer.concat([macBytes(to), macBytes(from), Buffer.of(type >> 8, type & 255)]);
}

function macBytes(text: string): Buffer {
  return Buffer.from(text.replaceAll(":", ""), "hex");
}

function ipBytes(text: string): Buffer {
  return Buffer.from(text.split(".").map(Number));
}
