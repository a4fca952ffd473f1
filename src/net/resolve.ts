import { lookup } from "node:dns/promises";

/** The first address that the system's resolver (files, DNS, whatever nsswitch says) has for a name; rejects when it has none. */
export async function resolveHost(host: string): Promise<string> {
  const { address } = await lookup(host);
  return address;
}
