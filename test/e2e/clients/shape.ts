import type { Client } from "./clients.ts";

/**
 * What a client printed, without what must differ: figures are N, so that one that is there or not still shows; what is said
 * of the proxies that serve HAProxy's own pages is left out, since our page is no proxy; what names a product or a host is
 * replaced.
 */
export function shapeOf(output: string, { unordered, except }: Pick<Client, "unordered" | "except"> = {}): string[] {
  const lines = output
    .replace(PAGE_PERFDATA, "")
    .split("\n")
    .filter((line) => !PAGE_PROXIES.test(line) && !except?.test(line))
    .map((line) => (line.startsWith("rc=") ? line : masked(line).replace(/-?\d+(\.\d+)*/g, "N")))
    .map((line) => line.replace(/\s+/g, " ").trim())
    .filter((line) => line !== "");
  if (unordered === "lines") return lines.sort();
  if (unordered === "words") return [...new Set(lines.flatMap((line) => line.split(" ")))].sort();
  return lines;
}

/** Of the nagios plugins, all on one line. */
const PAGE_PERFDATA = /(?<![\w-])(stats2?|prom)-\w+=[\d.;]*/g;
const PAGE_PROXIES = /(?<![a-z])(stats|stats2|prom)(?![a-z])/;

/**
 * Names of products, versions and hosts differ, and that we say how text is encoded hurts nobody. A check that runs at this
 * very moment ("* L4OK"), or has passed but once since a server came back ("UP 1/3"), is a matter of luck. Which commands are
 * near to a word that is none is a guess, and whether there are any.
 */
function masked(line: string): string {
  return line
    .replace(/^(Unknown command)[,.].*/, "$1")
    .replace(/\* (?=L\d)/g, "")
    .replace(/\bUP \d+\/\d+\b/g, "UP")
    .replace(/^(Name|Version|Release_date|node|Build info): .+/, "$1: X")
    .replace(/; charset=utf-8/, "")
    .replace(/version="[^"]+"/, 'version="X"')
    .replace(/release_date="[^"]+"/, 'release_date="X"');
}

/**
 * The shape of an output in expected-2.6.12/: without the command in its first line, and of the one proxy that its frontend
 * and its backend are here.
 */
export function expectedShape(file: string, client: Pick<Client, "unordered" | "except">): string[] {
  const [, ...lines] = file.split("\n");
  const text = lines.join("\n").replaceAll("fe_tcp", "be_tcp").replaceAll("be_tcp, be_tcp|", "be_tcp|");
  return shapeOf(text, client);
}
