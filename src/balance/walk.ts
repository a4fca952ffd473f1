import type { PoolView } from "../pool/board.ts";
import { NONE } from "./types.ts";

/**
 * The first server at or after a turn that takes a session, {@link NONE} when nobody does. No shared turn is consumed.
 *
 * A rotation may hold 256 turns a server; asking each of them on every connection while all servers are full would cost
 * more than the connection. So after as many turns as there are slots the servers are asked directly.
 *
 * @param fullToo whether a server without room will do
 */
export function walk(view: PoolView, turn: number, tried: readonly number[], fullToo: boolean): number {
  const { slots } = view;
  const length = view.rotationLength();
  const steps = Math.min(length, slots);
  for (let step = 0; step < steps; step++) {
    const server = view.serverAtTurn(turn + step);
    if (server !== NONE && takes(view, server, tried, fullToo)) return server;
  }
  if (length === steps) return NONE;
  for (let step = 0; step < slots; step++) {
    const server = (turn + step) % slots;
    if (takes(view, server, tried, fullToo)) return server;
  }
  return NONE;
}

function takes(view: PoolView, server: number, tried: readonly number[], fullToo: boolean): boolean {
  return view.weight(server) > 0 && (fullToo || view.hasRoom(server)) && !tried.includes(server);
}
