/**
 * One cycle of turns in which server i appears in proportion to its weight and as evenly spread as the weights allow:
 * turn k of a server with weight w falls at (k + ½) / w of the cycle, and turns are taken in that order, lower index first
 * on equal places. Equal weights give 0 1 2 0 1 2 …; a server of weight 0 does not appear.
 *
 * The weights are reduced by their greatest common divisor; when the cycle is then still longer than `limit`, they are
 * scaled down to fit, and nobody with a weight loses their last turn.
 */
export function buildRotation(weights: readonly number[], limit: number): Uint16Array {
  const turns = fit(weights, limit);
  const places: { at: number; server: number }[] = [];
  for (const [server, count] of turns.entries()) {
    for (let k = 0; k < count; k++) places.push({ at: (k + 0.5) / count, server });
  }
  places.sort((a, b) => a.at - b.at || a.server - b.server);
  return Uint16Array.from(places, (place) => place.server);
}

function fit(weights: readonly number[], limit: number): number[] {
  const divisor = weights.reduce(gcd, 0);
  if (divisor === 0) return [];
  const reduced = weights.map((weight) => weight / divisor);
  const total = reduced.reduce((sum, weight) => sum + weight, 0);
  if (total <= limit) return reduced;
  return reduced.map((weight) => (weight === 0 ? 0 : Math.max(1, Math.floor((weight * limit) / total))));
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
