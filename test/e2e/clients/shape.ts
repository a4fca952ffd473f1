/**
 * What a client printed, without what must differ: figures are N, so that one that is there or not still shows; what is said
 * of the proxies that serve HAProxy's own pages is left out, since our page is no proxy; what names a product or a host is
 * replaced.
 */
export function shapeOf(output: string, { unordered }: { unordered?: "lines" | "words" } = {}): string[] {
  const lines = output
    .replace(PAGE_PERFDATA, "")
    .split("\n")
    .filter((line) => !PAGE_PROXIES.test(line))
    .map((line) =>
      masked(line)
        .replace(/-?\d+(\.\d+)*/g, "N")
        .replace(/\s+/g, " ")
        .trim(),
    )
    .filter((line) => line !== "");
  if (unordered === "lines") return lines.sort();
  if (unordered === "words") return [...new Set(lines.flatMap((line) => line.split(" ")))].sort();
  return lines;
}

/** Of the nagios plugins, all on one line. */
const PAGE_PERFDATA = /(?<![\w-])(stats2?|prom)-\w+=[\d.;]*/g;
const PAGE_PROXIES = /(?<![a-z])(stats|stats2|prom)(?![a-z])/;

/** Names of products, versions and hosts differ; that we say how text is encoded hurts nobody. */
function masked(line: string): string {
  return line
    .replace(/^(Name|Version|Release_date|node|Build info): .+/, "$1: X")
    .replace(/; charset=utf-8/, "")
    .replace(/version="[^"]+"/, 'version="X"')
    .replace(/release_date="[^"]+"/, 'release_date="X"');
}
