import type { PoolView } from "../pool/board.ts";

/** What {@link Balancer.pick} answers when nobody can take the session. */
export const NONE = -1;

/** Chooses a server for each new session of one listen. Pure: all it knows is in its arguments. */
export interface Balancer {
  /** True when the choice is bound to one server: a full one is waited for, not passed over (HAProxy: per-server queue). */
  readonly bound: boolean;
  /**
   * Index of the server for a new session, {@link NONE} when nobody can take it now.
   *
   * @param client the client's address as 4 or 16 bytes in network order; empty for unix clients
   * @param tried servers that already failed this connection: never picked. Servers of weight 0 are never picked either,
   *   and full ones only when `bound`
   */
  pick(view: PoolView, client: Uint8Array, tried: readonly number[]): number;
}

/** What balancers are made from. */
export interface BalancerDeps {
  /** Uniform in [0, 1), as Math.random. */
  random: () => number;
  /** Server name of each slot ("" where none is); when a name changes, make a new balancer: they keep no state worth saving. */
  names: readonly string[];
  /** Slots of the servers in the file's order, if that is not 0, 1, 2, …: servers come and go at run time. */
  order?: readonly number[];
}

export type BalancerFactory = (deps: BalancerDeps) => Balancer;

/** A `balance` algorithm, for those who run it. */
export interface BalancerKind {
  readonly create: BalancerFactory;
  /**
   * Whether weights set at run time and slowstart take effect. False (HAProxy's static-rr): control builds the rotation and the
   * board's weights from the configured ones, and only 0 % and 100 % of them can be set.
   */
  readonly dynamicWeights: boolean;
}
