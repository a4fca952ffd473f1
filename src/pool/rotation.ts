/**
 * One cycle of turns in which server i appears in proportion to its weight and as evenly spread as the weights allow. Each turn
 * goes to the server whose next one is due first among those that are not ahead of their share (earliest deadline first: turn
 * k of n with share w is not before k·n/w and due by (k+1)·n/w), heavier first, then lower index first. So at every point of
 * the cycle each server has had its share to within one turn, and no pause is twice as long as the average one. Equal weights
 * give 0 1 2 0 1 2 …; a server of weight 0 does not appear.
 *
 * The weights are reduced by their greatest common divisor; when the cycle is then still longer than `limit` (at least one
 * turn a server), they are scaled down to fit, and nobody with a weight loses their last turn.
 */
export function buildRotation(weights: readonly number[], limit: number): Uint16Array {
  const shares = fit(weights, limit);
  const length = shares.reduce((sum, share) => sum + share, 0);
  const taken = shares.map(() => 0);
  return Uint16Array.from({ length }, (_, turn) => {
    const server = nextServer(shares, taken, turn, length);
    taken[server] = (taken[server] as number) + 1;
    return server;
  });
}

function nextServer(shares: readonly number[], taken: readonly number[], turn: number, length: number): number {
  let next = -1;
  let nextDue = 0;
  let nextShare = 1;
  for (let server = 0; server < shares.length; server++) {
    const share = shares[server] as number;
    const due = (taken[server] as number) + 1;
    if (share === 0 || (due - 1) * length > turn * share) continue;
    const later = due * nextShare - nextDue * share;
    if (next === -1 || later < 0 || (later === 0 && share > nextShare)) {
      next = server;
      nextDue = due;
      nextShare = share;
    }
  }
  return next;
}

function fit(weights: readonly number[], limit: number): number[] {
  const divisor = weights.reduce(gcd, 0);
  if (divisor === 0) return [];
  const reduced = weights.map((weight) => weight / divisor);
  const total = reduced.reduce((sum, weight) => sum + weight, 0);
  if (total <= limit) return reduced;
  // Everybody's last turn is set aside first: lifting the light ones to one turn afterwards would overrun the limit.
  const spare = limit - reduced.filter((weight) => weight > 0).length;
  return reduced.map((weight) => (weight === 0 ? 0 : 1 + Math.floor((weight * spare) / total)));
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
