import type { PoolView } from "../pool/board.ts";
import { type BalancerFactory, NONE } from "./types.ts";

/** `first`: the first server in the file that has room; weights only say who takes part. */
export const first: BalancerFactory = ({ order }) => ({
  bound: false,
  pick(view, _client, tried) {
    const count = order?.length ?? view.slots;
    for (let place = 0; place < count; place++) {
      const server = order?.[place] ?? place;
      if (takes(view, server) && !tried.includes(server)) return server;
    }
    return NONE;
  },
});

function takes(view: PoolView, server: number): boolean {
  return view.weight(server) > 0 && view.hasRoom(server);
}
