import { expect, test } from "bun:test";
import { arpProbe, decodeArp, gratuitousArp } from "../../src/net/arpFrame.ts";
import {
  decodeNeighbourAdvertisement,
  duplicateAddressProbe,
  unsolicitedAdvertisement,
} from "../../src/net/ndpFrame.ts";
import { PacketSocket, type Reception } from "../../src/net/packetSocket.ts";
import { parseIp } from "../../src/net/sockaddr.ts";
import { atEnd } from "../support/cleanup.ts";
import { canMakeNetns, makeNetns } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { openFds } from "./sockets.ts";
import { type Host, twoHosts } from "./twoHosts.ts";
import { bytesOf, tap, within } from "./within.ts";

const netnsTest = test.skipIf(!canMakeNetns());
const VIRTUAL_MAC = bytesOf("00005e000133");

function open({ ns, eth0 }: Host, receptions?: readonly Reception[]): PacketSocket {
  const socket = within(ns, () => PacketSocket.open(eth0.ifindex, receptions));
  atEnd(() => socket.close());
  return socket;
}

function hear(socket: PacketSocket): Uint8Array[] {
  const heard: Uint8Array[] = [];
  socket.onFrame((frame) => heard.push(frame));
  return heard;
}

/** The MAC that a host's neighbour table has for an address. */
async function neighbour({ ns }: Host, address: string): Promise<string | undefined> {
  const [entry] = JSON.parse(await ns.ip("-j", "neigh", "show", address)) as { lladdr?: string }[];
  return entry?.lladdr?.replaceAll(":", "");
}

netnsTest.each([
  ["ARP request", "10.9.0.100", (mac: Uint8Array, address: Uint8Array) => gratuitousArp(mac, address, "request")],
  ["ARP reply", "10.9.0.100", (mac: Uint8Array, address: Uint8Array) => gratuitousArp(mac, address, "reply")],
  ["NA", "fd00:9::100", (mac: Uint8Array, address: Uint8Array) => unsolicitedAdvertisement(mac, address, false)],
] as const)("a neighbour's table follows our %s", async (_, address, announcement) => {
  const [a, b] = await twoHosts();
  await b.ns.ip("neigh", "replace", address, "lladdr", "02:00:00:00:00:77", "dev", "eth0", "nud", "stale");
  const socket = open(a, []);
  // The kernel lets an entry be moved only so often (locktime).
  await until("the entry to move", async () => {
    expect(socket.sendFrame(announcement(VIRTUAL_MAC, parseIp(address)))).toBe(0);
    return (await neighbour(b, address)) === VIRTUAL_MAC.toHex();
  });
});

netnsTest("a frame arrives byte for byte", async () => {
  const [a, b] = await twoHosts();
  const frames = tap(b.ns, b.eth0);
  const sent = gratuitousArp(a.eth0.mac, parseIp("10.9.0.100"), "request");
  open(a).sendFrame(sent);
  await until("the frame", () => frames().some((frame) => frame.toHex() === sent.toHex()));
});

netnsTest("an ARP probe finds who has an address, and nobody when nobody has it", async () => {
  const [a, b] = await twoHosts();
  const socket = open(a);
  const heard = hear(socket);
  const before = await neighbour(b, "10.9.0.1");
  expect(socket.sendFrame(arpProbe(a.eth0.mac, parseIp("10.9.0.100")))).toBe(0);
  expect(socket.sendFrame(arpProbe(a.eth0.mac, parseIp("10.9.0.2")))).toBe(0);
  await until("an answer", () => heard.length > 0);
  expect(heard.map(decodeArp)).toMatchObject([
    { frameSource: b.eth0.mac, operation: 2, senderMac: b.eth0.mac, senderAddress: parseIp("10.9.0.2") },
  ]);
  expect(await neighbour(b, "10.9.0.1")).toBe(before as string);
});

netnsTest("a duplicate address probe finds who has an address, and nobody when nobody has it", async () => {
  const [a, b] = await twoHosts();
  const socket = open(a);
  const heard = hear(socket);
  const targets = () => heard.map(decodeNeighbourAdvertisement).filter((answer) => answer !== null);
  expect(socket.sendFrame(duplicateAddressProbe(a.eth0.mac, parseIp("fd00:9::100")))).toBe(0);
  expect(socket.sendFrame(duplicateAddressProbe(a.eth0.mac, parseIp("fd00:9::2")))).toBe(0);
  await until("an answer", () => targets().length > 0);
  expect(targets()).toMatchObject([
    { frameSource: b.eth0.mac, targetMac: b.eth0.mac, target: parseIp("fd00:9::2"), solicited: false },
  ]);
});

netnsTest("only answers are heard: no requests, no other messages, nothing that we sent", async () => {
  const [a, b] = await twoHosts();
  const [ours, theirs] = [open(a), open(b)];
  const heard = hear(ours);
  const { mac } = b.eth0;
  ours.sendFrame(gratuitousArp(a.eth0.mac, parseIp("10.9.0.101"), "reply"));
  ours.sendFrame(unsolicitedAdvertisement(a.eth0.mac, parseIp("fd00:9::101"), false));
  theirs.sendFrame(gratuitousArp(mac, parseIp("10.9.0.102"), "request"));
  theirs.sendFrame(arpProbe(mac, parseIp("10.9.0.103")));
  theirs.sendFrame(duplicateAddressProbe(mac, parseIp("fd00:9::103")));
  const expected = [
    gratuitousArp(mac, parseIp("10.9.0.104"), "reply"),
    unsolicitedAdvertisement(mac, parseIp("fd00:9::104"), true),
  ];
  for (const frame of expected) theirs.sendFrame(frame);
  await until("both answers", () => heard.length >= 2);
  expect(heard.map((frame) => frame.toHex()).sort()).toEqual(expected.map((frame) => frame.toHex()).sort());
});

netnsTest("what is queued is read at once; deliver may close the socket", async () => {
  const [a, b] = await twoHosts();
  const [sender, receiver] = [open(a), open(b, ["arpReplies"])];
  const frames = tap(b.ns, b.eth0);
  const frame = gratuitousArp(a.eth0.mac, parseIp("10.9.0.100"), "reply");
  for (let i = 0; i < 3; i++) sender.sendFrame(frame);
  await until("the wire", () => frames().filter((seen) => seen.toHex() === frame.toHex()).length === 3);
  const heard: Uint8Array[] = [];
  receiver.receive((seen) => {
    heard.push(seen);
    if (heard.length === 2) receiver.close();
  });
  expect(heard).toEqual([frame, frame]);
  receiver.close();
  expect(receiver.sendFrame(frame)).toBe(-9);
});

netnsTest("the socket survives the link going down and up", async () => {
  const [a, b] = await twoHosts();
  const [ours, theirs, unwatched] = [open(a), open(b), open(b)];
  const heard = hear(theirs);
  const frame = gratuitousArp(a.eth0.mac, parseIp("10.9.0.100"), "reply");
  await a.ns.ip("link", "set", "eth0", "down");
  expect(ours.sendFrame(frame)).toBe(-100);
  await b.ns.ip("link", "set", "eth0", "down");
  await b.ns.ip("link", "set", "eth0", "up");
  await a.ns.ip("link", "set", "eth0", "up");
  expect(ours.sendFrame(frame)).toBe(0);
  await until("a frame", () => {
    ours.sendFrame(frame);
    return heard.length > 0;
  });
  // The error that the link left behind does not hide the frames.
  const queued: Uint8Array[] = [];
  unwatched.receive((seen) => queued.push(seen));
  expect(queued).toContainEqual(frame);
});

netnsTest("a missing interface is an error, and leaves no fd behind", async () => {
  const ns = await makeNetns();
  const before = openFds();
  for (let i = 0; i < 40; i++) {
    const gone = { ns, eth0: { device: "gone", ifindex: 99, mac: VIRTUAL_MAC } };
    expect(() => open(gone)).toThrow("bind: No such device");
  }
  // The runtime opens and closes a few fds of its own meanwhile.
  expect(openFds()).toBeLessThan(before + 20);
});
