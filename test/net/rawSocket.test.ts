import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import {
  errno,
  IPPROTO_IP,
  IPPROTO_IPV6,
  libc,
  SOCK_RAW,
  SOL_SOCKET,
  setSocketOption,
  setSocketOptionBytes,
} from "../../src/net/libc.ts";
import type { ReceivedDatagram } from "../../src/net/rawFamily.ts";
import { ProtocolSocket, type ProtocolSocketOptions } from "../../src/net/rawSocket.ts";
import { encodeSockaddr, parseIp } from "../../src/net/sockaddr.ts";
import { atEnd } from "../support/cleanup.ts";
import { canMakeNetns, link, makeNetns } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { openFds } from "./sockets.ts";
import { type Host, twoHosts } from "./twoHosts.ts";
import { bytesOf, deviceOf, tap, within } from "./within.ts";

const GROUPS = { 4: parseIp("224.0.0.18"), 6: parseIp("ff02::12") } as const;
const netnsTest = test.skipIf(!canMakeNetns());

// Adverts of keepalived 2.2.7 from 10.9.0.1, priority 101 and 0 (version 2, no authentication).
const ADVERT = bytesOf("2133650100016f5d 0a090064 0000000000000000");
const RESIGNATION = bytesOf("213300010001d45d 0a090064 0000000000000000");

type Choice = Partial<ProtocolSocketOptions> & { from: string };

function open({ ns, eth0 }: Host, { from, ...options }: Choice): ProtocolSocket {
  const family = from.includes(":") ? 6 : 4;
  const { device, ifindex } = eth0;
  const all = {
    family,
    protocol: 112,
    device,
    ifindex,
    group: GROUPS[family],
    source: parseIp(from),
    ...options,
  } as const;
  const socket = within(ns, () => ProtocolSocket.open(all));
  atEnd(() => socket.close());
  return socket;
}

/** What a socket hears from now on, as its bell rings. */
function hear(socket: ProtocolSocket): ReceivedDatagram[] {
  const heard: ReceivedDatagram[] = [];
  socket.onReadable(() => socket.receive((datagram) => heard.push(datagram)));
  return heard;
}

/** A plain socket of another program. */
function foreign({ ns }: Host, family: 4 | 6): number {
  const fd = within(ns, () => libc.socket(family === 4 ? 2 : 10, SOCK_RAW, 112));
  atEnd(() => void libc.close(fd));
  return fd;
}

function sendTo(fd: number, host: string, bytes: Uint8Array): void {
  const address = encodeSockaddr({ kind: "tcp", host, port: 0 });
  if (Number(libc.sendto(fd, bytes, bytes.length, 0, address, address.length)) < 0) throw new Error(`errno ${errno()}`);
}

const vrrp4 = (frame: Uint8Array) => frame[12] === 0x08 && frame[13] === 0 && frame[23] === 112;
const vrrp6 = (frame: Uint8Array) => frame[12] === 0x86 && frame[20] === 112;

netnsTest("adverts leave byte for byte as keepalived's and arrive whole, the ids counting from 1", async () => {
  const [a, b] = await twoHosts();
  const [sender, receiver] = [open(a, { from: "10.9.0.1" }), open(b, { from: "10.9.0.2" })];
  const frames = tap(b.ns, b.eth0);
  const heard = hear(receiver);
  expect([sender.send(GROUPS[4], ADVERT), sender.send(GROUPS[4], RESIGNATION)]).toEqual([0, 0]);
  await until("both adverts", () => heard.length === 2);
  const common = { source: parseIp("10.9.0.1"), destination: GROUPS[4], ttl: 255 };
  expect(heard).toEqual([
    { ...common, payload: ADVERT },
    { ...common, payload: RESIGNATION },
  ]);
  const mac = a.eth0.mac.toHex();
  expect(
    frames()
      .filter(vrrp4)
      .map((frame) => frame.toHex()),
  ).toEqual([
    `01005e000012${mac}080045c0002800010000ff70d0880a090001e0000012${ADVERT.toHex()}`,
    `01005e000012${mac}080045c0002800020000ff70d0870a090001e0000012${RESIGNATION.toHex()}`,
  ]);
});

netnsTest("IPv6 adverts carry hop limit 255 and class 0xc0; a checksum that is wrong arrives, too", async () => {
  const [a, b] = await twoHosts();
  const [sender, receiver] = [open(a, { from: "fe80::1" }), open(b, { from: "fe80::2" })];
  const frames = tap(b.ns, b.eth0);
  const heard = hear(receiver);
  const message = bytesOf("313d650200640bad fe800000000000000000000000000100 fd000009000000000000000000000100");
  expect(sender.send(GROUPS[6], message)).toBe(0);
  await until("the advert", () => heard.length > 0);
  expect(heard).toEqual([{ source: parseIp("fe80::1"), destination: GROUPS[6], ttl: 255, payload: message }]);
  const [frame] = frames().filter(vrrp6) as [Uint8Array];
  expect(frame.subarray(0, 14).toHex()).toBe(`333300000012${a.eth0.mac.toHex()}86dd`);
  expect([frame[14], (frame[15] ?? 0) >> 4]).toEqual([0x6c, 0]); // version 6, class 0xc0
  expect(frame.subarray(18, 22).toHex()).toBe("002870ff");
  expect(frame.subarray(54)).toEqual(message);
});

netnsTest.each([
  [4, "10.9.0.1", "10.9.0.2"],
  [6, "fd00:9::1", "fd00:9::2"],
  [6, "fe80::1", "fe80::2"],
] as const)("IPv%i unicast from %s to %s: only its receiver hears it, and no group", async (family, from, to) => {
  const [a, b] = await twoHosts();
  const sender = open(a, { from, group: null });
  const [unicast, multicast, elsewhere] = [
    open(b, { from: to, group: null }),
    open(b, { from: to }),
    open(b, { from: family === 4 ? "10.9.0.7" : "fd00:9::7", group: null }),
  ];
  const heard = [hear(unicast), hear(multicast), hear(elsewhere)] as const;
  expect(sender.send(parseIp(to), ADVERT)).toBe(0);
  await until("the unicast advert", () => heard[0].length === 1);
  expect(heard[0]).toEqual([{ source: parseIp(from), destination: parseIp(to), ttl: 255, payload: ADVERT }]);
  const group = open(a, { from });
  expect(group.send(GROUPS[family], RESIGNATION)).toBe(0);
  await until("the group's advert", () => heard[1].length === 1);
  expect(heard[1]).toMatchObject([{ destination: GROUPS[family], payload: RESIGNATION }]);
  unicast.receive((datagram) => heard[0].push(datagram));
  elsewhere.receive((datagram) => heard[2].push(datagram));
  expect([heard[0].length, heard[2].length]).toEqual([1, 0]);
});

netnsTest("the unicast copies of one advert share an id, and another advert has the next one", async () => {
  const [a, b] = await twoHosts();
  const sender = open(a, { from: "10.9.0.1", group: null });
  await b.ns.ip("address", "add", "10.9.0.3/24", "dev", "eth0");
  const frames = tap(b.ns, b.eth0);
  sender.send(parseIp("10.9.0.2"), ADVERT);
  sender.send(parseIp("10.9.0.3"), ADVERT, { sameId: true });
  sender.send(parseIp("10.9.0.2"), ADVERT);
  await until("three adverts", () => frames().filter(vrrp4).length === 3);
  // Last octet of the destination, low octet of the identification. Which neighbour is found first is not ours to say.
  const ids = frames()
    .filter(vrrp4)
    .map((frame) => `.${frame[33]} id ${frame[19]}`);
  expect(ids.sort()).toEqual([".2 id 1", ".2 id 2", ".3 id 1"]);
});

netnsTest("the sender does not hear itself, nor what is sent on another interface", async () => {
  const [a, b] = await twoHosts();
  await link(
    { ns: a.ns, device: "eth1", addresses: ["10.8.0.1/24"] },
    { ns: b.ns, device: "eth1", addresses: ["10.8.0.2/24"] },
  );
  const first = open(a, { from: "10.9.0.1" });
  const [here, there] = [hear(first), hear(open(b, { from: "10.9.0.2" }))];
  const other = open({ ...a, eth0: await deviceOf(a.ns, "eth1") }, { from: "10.8.0.1" });
  const otherThere = hear(open({ ...b, eth0: await deviceOf(b.ns, "eth1") }, { from: "10.8.0.2" }));
  other.send(GROUPS[4], RESIGNATION);
  await until("the advert of eth1", () => otherThere.length === 1);
  first.send(GROUPS[4], ADVERT);
  await until("the advert of eth0", () => there.length > 0);
  expect(there.map(({ payload }) => payload)).toEqual([ADVERT]);
  expect(here).toEqual([]);
});

netnsTest.each([4, 6] as const)("IPv%i: the TTL of others is told, and a burst is read in order", async (family) => {
  const [a, b] = await twoHosts();
  const receiver = open(b, { from: family === 4 ? "10.9.0.2" : "fe80::2" });
  const fd = foreign(a, family);
  setSocketOptionBytes(fd, SOL_SOCKET, 25, new TextEncoder().encode("eth0\0")); // SO_BINDTODEVICE
  if (family === 4) setSocketOption(fd, IPPROTO_IP, 33, 3);
  else setSocketOption(fd, IPPROTO_IPV6, 18, 3); // …_MULTICAST_TTL, …_MULTICAST_HOPS
  for (let i = 0; i < 50; i++) sendTo(fd, family === 4 ? "224.0.0.18" : "ff02::12", Uint8Array.of(i));
  const heard = hear(receiver);
  await until("the burst", () => heard.length === 50);
  expect(heard.map(({ payload }) => payload[0])).toEqual(Array.from({ length: 50 }, (_, i) => i));
  expect(new Set(heard.map(({ ttl }) => ttl))).toEqual(new Set([3]));
});

netnsTest(
  "what is queued is read at once, without the loop; deliver may answer, and may close the socket",
  async () => {
    const [a, b] = await twoHosts();
    const [sender, receiver] = [open(a, { from: "10.9.0.1" }), open(b, { from: "10.9.0.2" })];
    const answers = hear(sender);
    for (let i = 0; i < 3; i++) sender.send(GROUPS[4], ADVERT);
    const frames = tap(b.ns, b.eth0);
    sender.send(GROUPS[4], RESIGNATION);
    await until("the last on the wire", () => frames().some(vrrp4));
    let heard = 0;
    receiver.receive(() => {
      heard++;
      receiver.send(GROUPS[4], RESIGNATION);
      if (heard === 3) receiver.close();
    });
    expect(heard).toBe(3);
    await until("the answers", () => answers.length === 3);
    expect(receiver.send(GROUPS[4], ADVERT)).toBe(-9);
    receiver.close();
  },
);

netnsTest.each([
  [4, "10.9.0.2"],
  [6, "fd00:9::2"],
] as const)("IPv%i: a datagram longer than any message is dropped and counted", async (family, to) => {
  const [a, b] = await twoHosts();
  const receiver = open(b, { from: to, group: null });
  const heard = hear(receiver);
  const fd = foreign(a, family);
  sendTo(fd, to, new Uint8Array(9000));
  sendTo(fd, to, ADVERT);
  await until("the advert behind it", () => heard.length > 0);
  expect(heard.map(({ payload }) => payload)).toEqual([ADVERT]);
  expect(receiver.malformed).toBe(1);
});

netnsTest("a unicast peer may be behind a router, but not behind another interface", async () => {
  const [a, b] = await twoHosts();
  await link(
    { ns: a.ns, device: "eth1", addresses: ["10.8.0.1/24"] },
    { ns: b.ns, device: "eth1", addresses: ["10.8.0.2/24"] },
  );
  await b.ns.ip("address", "add", "10.7.0.1/32", "dev", "lo");
  await a.ns.ip("route", "add", "10.7.0.1", "via", "10.9.0.2");
  await b.ns.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/all/arp_ignore"]); // reached through its router only
  const [onEth0, onEth1] = [
    open(b, { from: "10.7.0.1", group: null }),
    open({ ...b, eth0: await deviceOf(b.ns, "eth1") }, { from: "10.7.0.1", group: null }),
  ];
  const [heard, elsewhere] = [hear(onEth0), hear(onEth1)];
  expect(open(a, { from: "10.9.0.1", group: null }).send(parseIp("10.7.0.1"), ADVERT)).toBe(0);
  await until("the advert", () => heard.length === 1);
  onEth1.receive((datagram) => elsewhere.push(datagram));
  expect(elsewhere).toEqual([]);
});

netnsTest("nothing piles up in the socket that sends", async () => {
  const [a, b] = await twoHosts();
  const [sender, receiver] = [open(a, { from: "10.9.0.1" }), open(b, { from: "10.9.0.2" })];
  const heard = hear(receiver);
  sender.send(GROUPS[4], ADVERT);
  sender.send(parseIp("10.9.0.2"), ADVERT);
  await until("the advert", () => heard.length === 1);
  await b.ns.ip("neigh", "show"); // the unicast copy, which no socket of ours wants, has come by now
  const sockets = within(b.ns, () => readFileSync("/proc/thread-self/net/raw", "latin1"))
    .trim()
    .split("\n")
    .slice(1);
  expect(sockets.map((line) => line.trim().split(/\s+/)[4])).toEqual(["00000000:00000000", "00000000:00000000"]);
});

netnsTest.each([
  [4, "10.9.0.1", "10.9.0.2", "10.9.0.77"],
  [6, "fe80::1", "fe80::2", "fe80::77"],
] as const)(
  "IPv%i: the source can be changed, to an address that is not here as well, and taken away",
  async (family, from, to, next) => {
    const [a, b] = await twoHosts();
    const sender = open(a, { from });
    const heard = hear(open(b, { from: to }));
    sender.setSource(null);
    expect(sender.send(GROUPS[family], ADVERT)).toBe(-99);
    sender.setSource(parseIp(next));
    expect(sender.send(GROUPS[family], ADVERT)).toBe(0);
    await until("the advert", () => heard.length === 1);
    expect(heard[0]?.source).toEqual(parseIp(next));
  },
);

netnsTest.each([
  [4, "10.9.0.1", "10.9.0.2"],
  [6, "fe80::1", "fe80::2"],
] as const)("IPv%i: sockets survive the link going down and up on either side", async (family, from, to) => {
  const [a, b] = await twoHosts();
  const sender = open(a, { from });
  const heard = hear(open(b, { from: to }));
  await a.ns.ip("link", "set", "eth0", "down");
  expect(sender.send(GROUPS[family], ADVERT)).toBeLessThan(0);
  await b.ns.ip("link", "set", "eth0", "down");
  await b.ns.ip("link", "set", "eth0", "up");
  await a.ns.ip("link", "set", "eth0", "up");
  await until("an advert", () => {
    sender.send(GROUPS[family], ADVERT);
    return heard.length > 0;
  });
  expect(heard[0]?.source).toEqual(parseIp(from));
});

netnsTest.each([
  [4, "10.9.0.1", "10.9.0.2", "00005e000133"],
  [6, "fe80::1", "fe80::2", "00005e000233"],
] as const)(
  "IPv%i adverts leave through a macvlan while the interface below is listened on",
  async (family, from, to, mac) => {
    const [a, b] = await twoHosts();
    const address = mac.replace(/..(?!$)/g, "$&:");
    await a.ns.ip("link", "add", "vrrp.51", "link", "eth0", "address", address, "type", "macvlan", "mode", "private");
    await a.ns.ip("link", "set", "vrrp.51", "up");
    const { ifindex } = await deviceOf(a.ns, "vrrp.51");
    const [ours, theirs] = [open(a, { from, sendDevice: { name: "vrrp.51", ifindex } }), open(b, { from: to })];
    const [here, there] = [hear(ours), hear(theirs)];
    const frames = tap(b.ns, b.eth0);
    expect(ours.send(GROUPS[family], ADVERT)).toBe(0);
    await until("our advert", () => there.length === 1);
    expect(there[0]?.source).toEqual(parseIp(from));
    const advert = frames().find(family === 4 ? vrrp4 : vrrp6);
    expect(advert?.subarray(6, 12).toHex()).toBe(mac);
    theirs.send(GROUPS[family], RESIGNATION);
    await until("their advert", () => here.length === 1);
    expect(here[0]?.payload).toEqual(RESIGNATION);
  },
);

netnsTest("a missing interface is an error, and leaves no fd behind", async () => {
  const ns = await makeNetns();
  const before = openFds();
  for (let i = 0; i < 20; i++) {
    const nowhere = { ns, eth0: { device: "nowhere", ifindex: 99, mac: new Uint8Array(6) } };
    expect(() => open(nowhere, { from: "10.9.0.1" })).toThrow("setsockopt: No such device");
    const gone = { ns, eth0: { device: "lo", ifindex: 99, mac: new Uint8Array(6) } };
    expect(() => open(gone, { from: "10.9.0.1" })).toThrow("setsockopt: No such device");
    expect(() => open(gone, { from: "fe80::1" })).toThrow("setsockopt: No such device");
  }
  // Each open makes two sockets; the runtime opens and closes a few fds of its own meanwhile.
  expect(openFds()).toBeLessThan(before + 20);
});
