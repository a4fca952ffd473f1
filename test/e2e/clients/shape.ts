/**
 * What a client printed, without what must differ: figures are N, so that one that is there or not still shows; lines about
 * the proxies that serve HAProxy's own page are left out, since our page is none.
 */
export function shapeOf(output: string, { unordered }: { unordered?: "lines" | "words" } = {}): string[] {
  const lines = output
    .split("\n")
    .map((line) =>
      line
        .replace(/-?\d+(\.\d+)*/g, "N")
        .replace(/\s+/g, " ")
        .trim(),
    )
    .filter((line) => line !== "" && !PAGE_PROXIES.test(line));
  if (unordered === "lines") return lines.sort();
  if (unordered === "words") return [...new Set(lines.flatMap((line) => line.split(" ")))].sort();
  return lines;
}

const PAGE_PROXIES = /(?<![a-z])(stats|stats2|statsN|prom)(?![a-z])/;
