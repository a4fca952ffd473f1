import { link, makeNetns, type Netns } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { type Device, deviceOf } from "./within.ts";

/** A network namespace with an interface. */
export interface Host {
  ns: Netns;
  eth0: Device;
}

/** Two hosts on one wire, 10.9.0.1, .2 and fe80::1, ::2 and fd00:9::1, ::2. */
export async function twoHosts(): Promise<[Host, Host]> {
  const [a, b] = [await makeNetns(), await makeNetns()];
  const addresses = (host: number) => [`10.9.0.${host}/24`, `fe80::${host}/64`, `fd00:9::${host}/64`];
  await link({ ns: a, addresses: addresses(1) }, { ns: b, addresses: addresses(2) });
  await until("carrier", async () => (await b.ip("link", "show", "eth0")).includes("LOWER_UP"));
  return [
    { ns: a, eth0: await deviceOf(a) },
    { ns: b, eth0: await deviceOf(b) },
  ];
}
