import { type BalancerFactory, NONE } from "./types.ts";

/**
 * `leastconn`: the server with the lowest load for its weight, load being sessions and connections that wait for it. The
 * scan starts with whoever's turn it is in the rotation, so servers that are equally loaded alternate.
 */
export const leastConn: BalancerFactory = () => ({
  bound: false,
  pick(view, _client, tried) {
    const { slots } = view;
    let server = view.serverAtTurn(view.takeTurn());
    if (server === NONE) return NONE;
    let best = NONE;
    let bestLoad = 0;
    let bestWeight = 0;
    for (let step = 0; step < slots; step++, server = server + 1 === slots ? 0 : server + 1) {
      const weight = view.weight(server);
      if (weight === 0 || !view.hasRoom(server) || tried.includes(server)) continue;
      const load = view.load(server);
      if (load === 0) return server;
      if (best === NONE || load * bestWeight < bestLoad * weight) {
        best = server;
        bestLoad = load;
        bestWeight = weight;
      }
    }
    return best;
  },
});
