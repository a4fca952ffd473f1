import type { PoolView } from "../pool/board.ts";
import { type BalancerFactory, NONE } from "./types.ts";
import { walk } from "./walk.ts";

/** `random`: draws two servers by weight and takes the one with the lower load for its weight, the first on a tie. */
export const random: BalancerFactory = ({ random }) => ({
  bound: false,
  pick(view, _client, tried) {
    const one = draw(view, random, tried);
    if (one === NONE) return NONE;
    const other = draw(view, random, tried);
    if (other === NONE) return one;
    return view.load(other) * view.weight(one) < view.load(one) * view.weight(other) ? other : one;
  },
});

function draw(view: PoolView, random: () => number, tried: readonly number[]): number {
  return walk(view, Math.floor(random() * view.rotationLength()), tried, false);
}
