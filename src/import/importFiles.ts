import { loadConfig } from "../config/config.ts";
import { importHaproxy } from "./haproxy/importHaproxy.ts";
import type { Variables } from "./haproxy/words.ts";
import { importKeepalived, type KeepalivedWorld } from "./keepalived/importKeepalived.ts";
import { type Fate, type ImportFinding, Ledger } from "./ledger.ts";
import type { Line, SourceFile } from "./source.ts";
import { TomlDocument } from "./toml.ts";

/** What the readers may know of the world. */
export interface ImportWorld extends KeepalivedWorld {
  /** The environment that a file of HAProxy's may ask for. */
  readonly variables: Variables;
}

/** A source line and what became of it. */
export interface AccountedLine extends Line {
  /** "blank": it holds nothing to carry over. */
  readonly fate: Fate | "blank";
}

/** The result of an import. */
export interface Imported {
  readonly toml: string;
  readonly findings: readonly ImportFinding[];
  /** Every line of every file, included ones as well. */
  readonly lines: readonly AccountedLine[];
  /** Source line of what stands at a key path of the result, as "listen.a.server[0].weight"; null: of none. */
  originOf(path: string): Line | null;
}

/** A file of keepalived's has none of HAProxy's sections, and a block. */
export function isKeepalived({ text }: SourceFile): boolean {
  return (
    !/^\s*(global|defaults|listen|frontend|backend)\b[^{]*$/m.test(text) &&
    (/^[^#!]*\{/m.test(text) || /^\s*include/m.test(text))
  );
}

/** What our own validation refuses in a result, as findings: nothing that cannot start is handed over without a word. */
export function judge({ toml, originOf }: Imported, path: string): ImportFinding[] {
  const { issues } = loadConfig({ path, bytes: new TextEncoder().encode(toml) }, { cpus: 1, ephemeralPorts: null });
  const errors = issues.filter(({ severity }) => severity === "error");
  return errors.map(({ path: key, message, hint }) => {
    const line = originOf(key);
    const text = line?.text.trim() ?? key;
    const why = `check refuses the result: ${key === "" ? "" : `${key}: `}${message}`;
    const place = {
      file: line?.file ?? path,
      line: line?.number ?? 1,
      column: 1,
      length: Math.max(1, [...text].length),
    };
    return { kind: "differs", carriesTraffic: true, ...place, text, why, nearest: hint };
  });
}

/**
 * Makes one configuration of ours out of files of HAProxy's and keepalived's. Pure but for what `world` does.
 * Throws an ImportError for a file that is neither.
 */
export function importFiles(files: readonly SourceFile[], world: ImportWorld): Imported {
  const ledger = new Ledger();
  const document = new TomlDocument(ledger);
  const lines: Line[] = [];
  const listens: string[] = [];
  const keepalived = files.filter(isKeepalived);
  for (const file of files) {
    if (keepalived.includes(file)) continue;
    const imported = importHaproxy(file, world.variables, document, ledger);
    lines.push(...imported.file.lines);
    listens.push(...imported.listens);
  }
  if (keepalived.length > 0) lines.push(...importKeepalived(keepalived, world, listens.length > 0, document, ledger));
  // Comments of what is left out go with it.
  for (const line of lines)
    if (/^\s*[#!]/.test(line.text) && ledger.fateOf(line) === null) ledger.mark(line, "left out");
  const accounted = lines.map((line): AccountedLine => ({ ...line, fate: ledger.fateOf(line) ?? "blank" }));
  return {
    toml: document.text(),
    findings: ledger.findings([
      ...new Set([...files, ...lines].map((each) => ("path" in each ? each.path : each.file))),
    ]),
    lines: accounted,
    originOf: (path) => document.originOf(path),
  };
}
