import { type BalancerFactory, NONE } from "./types.ts";

/** `first`: the first server in the file that has room; weights only say who takes part. */
export const first: BalancerFactory = () => ({
  bound: false,
  pick(view, _client, tried) {
    for (let server = 0; server < view.slots; server++) {
      if (view.weight(server) > 0 && view.hasRoom(server) && !tried.includes(server)) return server;
    }
    return NONE;
  },
});
