/** Words of HAProxy's and keepalived's files, and what they are called here. */
const FOREIGN_WORDS: Readonly<Record<string, string>> = {
  addr: "address",
  auth_pass: "password",
  auth_type: "type",
  downinter: "down_interval",
  fastinter: "fast_interval",
  inter: "interval",
  len: "max_length",
  nbthread: "threads",
  node: "router_id",
  script: "command",
  smtp_alert: "mail",
  vrrp_version: "version",
};

/** Letters that must be added, dropped, replaced or swapped with a neighbour to make `a` into `b`; case and "-"/"_" are free. */
export function editDistance(a: string, b: string): number {
  const [from, to] = [normal(a), normal(b)];
  let [beforeLast, last] = [[] as number[], Array.from({ length: to.length + 1 }, (_, i) => i)];
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1];
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      if (swapped) cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    [beforeLast, last] = [last, row];
  }
  return last[to.length] ?? to.length;
}

function normal(word: string): string {
  return word.toLowerCase().replaceAll("-", "_");
}

/** True for words of one stem: "retry" and "retries", "timeouts" and "timeout". */
function sharedPrefix(word: string, candidate: string): boolean {
  const [a, b] = [normal(word), normal(candidate)];
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length >= 4 && length >= 0.75 * Math.min(a.length, b.length);
}

/** The known word that `word` was probably meant to be; null when nothing is near. */
export function suggest(word: string, known: readonly string[]): string | null {
  const foreign = FOREIGN_WORDS[normal(word)];
  if (foreign !== undefined && known.includes(foreign)) return foreign;
  // Nothing in our vocabulary is longer than this; a hostile key must not cost a distance matrix.
  if (word.length > 40) return null;
  const limit = Math.max(1, Math.floor(word.length / 3));
  let [best, bestCost] = [null as string | null, limit + 1];
  for (const candidate of known) {
    const cost = sharedPrefix(word, candidate) ? 1 : editDistance(word, candidate);
    if (cost < bestCost) [best, bestCost] = [candidate, cost];
  }
  return best;
}
