import { expect, test } from "bun:test";
import { join } from "node:path";
import { inetChecksum } from "../../src/net/inetChecksum.ts";
import type { ReceivedDatagram } from "../../src/net/rawFamily.ts";
import { ProtocolSocket } from "../../src/net/rawSocket.ts";
import { parseIp } from "../../src/net/sockaddr.ts";
import { atEnd } from "../support/cleanup.ts";
import { canMakeNetns, link, makeNetns, type Netns } from "../support/netns.ts";
import type { Running } from "../support/process.ts";
import { tmpDir } from "../support/tmp.ts";
import { tool } from "../support/tools.ts";
import { until } from "../support/until.ts";
import { bytesOf, deviceOf, within } from "./within.ts";

const peerTest = test.skipIf(tool("keepalived") === null || !canMakeNetns());
const GROUPS = { 4: parseIp("224.0.0.18"), 6: parseIp("ff02::12") } as const;

/** We are 10.9.0.1 and fe80::1; keepalived runs on 10.9.0.2 and fe80::2. */
async function besideKeepalived(family: 4 | 6) {
  const [us, them] = [await makeNetns(), await makeNetns()];
  const addresses = (host: number) => [`10.9.0.${host}/24`, `fe80::${host}/64`];
  await link({ ns: us, addresses: addresses(1) }, { ns: them, addresses: addresses(2) });
  const { device, ifindex } = await deviceOf(us);
  const [group, source] = [GROUPS[family], parseIp(family === 4 ? "10.9.0.1" : "fe80::1")];
  const options = { family, protocol: 112, device, ifindex, group, source };
  const socket = within(us, () => ProtocolSocket.open(options));
  atEnd(() => socket.close());
  const heard: ReceivedDatagram[] = [];
  socket.onReadable(() => socket.receive((datagram) => heard.push(datagram)));
  return { them, socket, heard };
}

/** Priority 100, VRID 51, one address. */
async function keepalived(ns: Netns, intervalSeconds: number, address: string): Promise<Running> {
  const dir = tmpDir();
  const file = join(dir, "keepalived.conf");
  await Bun.write(
    file,
    `vrrp_instance VI_1 {
       version 3
       interface eth0
       state BACKUP
       virtual_router_id 51
       priority 100
       advert_int ${intervalSeconds}
       virtual_ipaddress { ${address} }
     }`
      .replace("{ ", "{\n")
      .replace(" }\n", "\n }\n"),
  );
  const program = tool("keepalived") as string;
  return ns.start([program, "-P", "-n", "-l", "-D", "-f", file, "-p", join(dir, "pid"), "-r", join(dir, "vrrp.pid")]);
}

/** A version 3 advert for 10.9.0.100 from 10.9.0.1, VRID 51, one a second, with the checksum that keepalived expects. */
function advert(priority: number): Uint8Array {
  const message = bytesOf("3133000100640000 0a090064");
  message[2] = priority;
  const pseudo = bytesOf("0a090001e0000012 0070000c");
  const sum = inetChecksum(pseudo, message);
  message.set([sum >> 8, sum & 0xff], 6);
  return message;
}

peerTest.each([
  [4, "10.9.0.2", "10.9.0.100", "31336401000a75ba 0a090064"],
  [6, "fe80::2", "fe80::100/64", null],
] as const)("a real keepalived is heard over IPv%i", async (family, source, address, message) => {
  const { them, heard } = await besideKeepalived(family);
  const peer = await keepalived(them, 0.1, address);
  await until("adverts", () => heard.length >= 2, { timeoutMs: 15_000 });
  expect(heard[0]).toMatchObject({ source: parseIp(source), destination: GROUPS[family], ttl: 255 });
  const payload = heard[0]?.payload ?? new Uint8Array();
  if (message !== null) expect(payload.toHex()).toBe(message.replaceAll(" ", ""));
  expect(payload.length).toBe(8 + (family === 4 ? 4 : 16));
  await peer.stop();
  await until("the resignation", () => heard.at(-1)?.payload[2] === 0);
});

peerTest("a real keepalived accepts our adverts: silent while we lead, MASTER when we resign", async () => {
  const { them, socket, heard } = await besideKeepalived(4);
  // Alone it would be MASTER after 3 × 0.3 s and its skew; once it accepts an advert of ours it waits 3 × 1 s.
  let sent = 0;
  const sending = setInterval(() => {
    sent++;
    socket.send(GROUPS[4], advert(101));
  }, 50);
  atEnd(() => clearInterval(sending));
  const peer = await keepalived(them, 0.3, "10.9.0.100");
  await peer.waitFor("Entering BACKUP STATE", { timeoutMs: 15_000 });
  const before = sent;
  await until("two seconds of adverts", () => sent >= before + 40);
  expect(heard).toEqual([]);
  clearInterval(sending);
  expect(socket.send(GROUPS[4], advert(0))).toBe(0);
  await until("the takeover", () => heard.length > 0, { timeoutMs: 2500 });
  expect(heard[0]?.payload.subarray(0, 4).toHex()).toBe("31336401");
});
