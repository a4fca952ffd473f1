import { dlopen } from "bun:ffi";
import { closeSync, openSync } from "node:fs";
import { AF_PACKET, libc, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_RAW } from "../../src/net/libc.ts";
import { atEnd } from "../support/cleanup.ts";
import type { Netns } from "../support/netns.ts";

const CLONE_NEWNET = 0x40000000;

const { symbols } = dlopen("libc.so.6", { setns: { args: ["i32", "i32"], returns: "i32" } });

/** Runs `fn` with this thread in the namespace: sockets that it opens belong there for good. Nothing asynchronous inside. */
export function within<T>(ns: Netns, fn: () => T): T {
  const home = openSync("/proc/thread-self/ns/net", "r");
  const there = openSync(`/run/netns/${ns.name}`, "r");
  try {
    enter(there);
    return fn();
  } finally {
    enter(home);
    closeSync(home);
    closeSync(there);
  }
}

function enter(namespace: number): void {
  if (symbols.setns(namespace, CLONE_NEWNET) < 0) throw new Error("setns failed");
}

/** A network interface as `ip` shows it. */
export interface Device {
  device: string;
  ifindex: number;
  /** 6 bytes. */
  mac: Uint8Array;
}

/** Looks an interface of the namespace up. */
export async function deviceOf(ns: Netns, device = "eth0"): Promise<Device> {
  const [found] = JSON.parse(await ns.ip("-j", "link", "show", device)) as [{ ifindex: number; address: string }];
  return { device, ifindex: found.ifindex, mac: bytesOf(found.address.replaceAll(":", "")) };
}

/** Bytes written as hex digits; blanks are skipped. */
export function bytesOf(hex: string): Uint8Array {
  return Uint8Array.fromHex(hex.replaceAll(" ", ""));
}

/** Every frame that passes an interface of the namespace, in and out, since the call; an array that grows when asked. */
export function tap(ns: Netns, { ifindex }: Device): () => Uint8Array[] {
  const ETH_P_ALL = 3;
  const fd = within(ns, () => libc.socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  atEnd(() => void libc.close(fd));
  const address = new DataView(new ArrayBuffer(20));
  address.setUint16(0, AF_PACKET, true);
  address.setUint16(2, ETH_P_ALL);
  address.setInt32(4, ifindex, true);
  if (libc.bind(fd, new Uint8Array(address.buffer), 20) < 0) throw new Error("the tap is not bound");
  const seen: Uint8Array[] = [];
  const buffer = new Uint8Array(new ArrayBuffer(65536));
  return () => {
    for (;;) {
      const length = Number(libc.recv(fd, buffer, buffer.length, 0));
      if (length < 0) return seen;
      seen.push(buffer.slice(0, length));
    }
  };
}
