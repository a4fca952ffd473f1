import { describe, expect, test } from "bun:test";
import { encodeSockaddr } from "../../src/net/sockaddr.ts";
import { LateAddresses } from "../../src/proxy/addresses.ts";
import { FakeClock } from "../support/fakeClock.ts";

const NAMED = { kind: "tcp", host: "late.test", port: 7001 } as const;
const FOUND = encodeSockaddr({ kind: "tcp", host: "192.0.2.7", port: 7001 });

/** A resolver that knows the name from the n-th time on that it is asked. */
function stand(knownFrom: number) {
  const clock = new FakeClock();
  const heard: string[] = [];
  let asked = 0;
  const resolve = async (): Promise<string> => {
    if (++asked < knownFrom) throw new Error("no such name");
    return "192.0.2.7";
  };
  const addresses = new LateAddresses(resolve, clock, (host, address) => heard.push(`${host} ${address}`));
  const pass = async (ms: number): Promise<void> => {
    clock.pass(ms);
    await Promise.resolve().then(() => {});
  };
  return { addresses, clock, heard, pass, asked: () => asked };
}

describe("the address of a server", () => {
  test("that is given by number or path is known at once and never asked for", () => {
    const { addresses, asked } = stand(1);
    const literal = { kind: "tcp", host: "2001:db8::1", port: 80 } as const;
    const unix = { kind: "unix", path: "/run/a.sock" } as const;
    expect(addresses.encode(literal)).toEqual(encodeSockaddr(literal));
    expect(addresses.encode(unix)).toEqual(encodeSockaddr(unix));
    expect(asked()).toBe(0);
  });

  test("that is given by a name is asked for every five seconds until there is one, then no more", async () => {
    const { addresses, clock, heard, pass, asked } = stand(3);
    addresses.want("late.test");
    await pass(0);
    expect(addresses.encode(NAMED)).toBeNull();
    await pass(4999);
    expect(asked()).toBe(1);
    await pass(1);
    expect([asked(), heard.length]).toEqual([2, 0]);
    await pass(5000);
    expect(heard).toEqual(["late.test 192.0.2.7"]);
    expect(addresses.encode(NAMED)).toEqual(FOUND);
    expect(clock.pendingMs).toEqual([]);
  });

  test("is asked for once for all servers of that name", async () => {
    const { addresses, heard, pass, asked } = stand(1);
    for (let i = 0; i < 3; i++) addresses.want("late.test");
    await pass(0);
    expect([asked(), heard.length]).toEqual([1, 1]);
  });

  test("is of no interest any more once stopped, even if an answer is on its way", async () => {
    const { addresses, clock, heard, pass } = stand(1);
    addresses.want("late.test");
    addresses.stop();
    await pass(20_000);
    expect(heard).toEqual([]);
    expect(clock.pendingMs).toEqual([]);
  });
});
