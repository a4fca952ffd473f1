import type { BalancerFactory } from "./types.ts";
import { walk } from "./walk.ts";

/**
 * `roundrobin` and `static-rr`: servers in turn, each as often as its weight says. Turns are shared by all threads, so the
 * order is exact over the whole listen. A turn whose server is full or was tried passes to the next one in the rotation.
 */
export const roundRobin: BalancerFactory = () => ({
  bound: false,
  pick: (view, _client, tried) => walk(view, view.takeTurn(), tried, false),
});
