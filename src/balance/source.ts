import type { PoolView } from "../pool/board.ts";
import { hashBytes, mix } from "./hash.ts";
import { type BalancerFactory, NONE } from "./types.ts";
import { walk } from "./walk.ts";

/**
 * `source`: the client's address decides, by weighted rendezvous hashing (highest random weight): client and server *name*
 * are hashed to a uniform u in (0, 1), and the server with the least −ln(u) / weight wins. So
 * - both hosts of a pair choose alike, whatever the order of servers in the file and whatever their addresses;
 * - when a server goes, only its clients move, each to the next best, and they come back with it;
 * - a server gets clients in proportion to its weight, and a weight change moves no more of them than it must.
 *
 * A client without an address (unix) has nothing to be hashed, and is given to the server whose turn it is.
 */
export const source: BalancerFactory = ({ names }) => {
  const encoder = new TextEncoder();
  const hashes = Uint32Array.from(names, (name) => mix(hashBytes(encoder.encode(name))));
  return {
    bound: true,
    pick(view, client, tried) {
      if (client.length === 0) return walk(view, view.takeTurn(), tried, true);
      return nearest(view, hashClient(client), hashes, names, tried);
    },
  };
};

function nearest(
  view: PoolView,
  client: number,
  hashes: Uint32Array,
  names: readonly string[],
  tried: readonly number[],
): number {
  let best = NONE;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (let server = 0; server < hashes.length; server++) {
    const weight = view.weight(server);
    if (weight === 0 || tried.includes(server)) continue;
    const uniform = (mix((hashes[server] as number) ^ client) + 0.5) / 0x1_0000_0000;
    // −ln(u) ≥ 1 − u: most servers are out of the race without the logarithm.
    if (1 - uniform > bestDistance * weight) continue;
    const distance = -Math.log(uniform) / weight;
    if (distance < bestDistance || (distance === bestDistance && (names[server] as string) < (names[best] as string))) {
      best = server;
      bestDistance = distance;
    }
  }
  return best;
}

/** An IPv4 client of a dual-stack socket (::ffff:a.b.c.d, RFC 4291 §2.5.5.2) is the same client as a.b.c.d. */
function hashClient(client: Uint8Array): number {
  return mix(hashBytes(client, isV4Mapped(client) ? 12 : 0));
}

function isV4Mapped(client: Uint8Array): boolean {
  if (client.length !== 16 || client[10] !== 0xff || client[11] !== 0xff) return false;
  for (let i = 0; i < 10; i++) if (client[i] !== 0) return false;
  return true;
}
