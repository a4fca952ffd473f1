import type { Ledger } from "../ledger.ts";
import type { SourceFile } from "../source.ts";
import { commentOf, type TomlDocument } from "../toml.ts";
import { writeAdmin, writeGlobals } from "./globals.ts";
import { joinProxies } from "./join.ts";
import { writeLogs } from "./logs.ts";
import { readProxies } from "./proxies.ts";
import { type HaproxyFile, readSections } from "./sections.ts";
import { isStats, writeStats } from "./stats.ts";
import type { Variables } from "./words.ts";
import { writeListens } from "./write.ts";

/** What is known of a file of HAProxy's once it is written: its lines, and the names of the listens that were made. */
export interface ImportedHaproxy {
  readonly file: HaproxyFile;
  readonly listens: readonly string[];
}

/** Reads a file of HAProxy's and writes all that has a counterpart into the document. */
export function importHaproxy(
  source: SourceFile,
  variables: Variables,
  document: TomlDocument,
  ledger: Ledger,
): ImportedHaproxy {
  const file = readSections(source, variables, ledger);
  const environment = { ...variables };
  const { globals, proxies } = readProxies(file.sections, ledger);
  document.sayFirst(...file.head.map(commentOf));
  for (const line of [...file.head, ...file.foot]) ledger.mark(line, "carried");
  const stats = proxies.filter(isStats);
  const others = proxies.filter((proxy) => !stats.includes(proxy));
  const drafts = joinProxies(others, environment, ledger);
  const rest = writeGlobals(globals, document, ledger);
  const served = others.filter(
    ({ section, settings }) =>
      settings.values.disabled?.value !== true && ledger.fateOf(section.header.line) !== "left out",
  );
  writeLogs(rest, served.length > 0 ? served : stats, environment, document, ledger);
  writeListens(drafts, document, ledger);
  writeStats(stats, environment, document, ledger);
  writeAdmin(rest.sockets, environment, document, ledger);
  settle(file, document, ledger);
  return { file, listens: drafts.map(({ name }) => name) };
}

/** What nobody asked for had no effect; comments of lines that are written nowhere stay with their section, or go to the end of the file. */
function settle(file: HaproxyFile, document: TomlDocument, ledger: Ledger): void {
  const homeless: string[] = [];
  for (const section of file.sections) {
    const orphans: string[] = [];
    for (const statement of [section.header, ...section.statements]) {
      if (ledger.fateOf(statement.line) === null) ledger.mark(statement.line, "default");
      const isLeftOut = ledger.fateOf(statement.line) === "left out";
      for (const line of statement.before) {
        if (ledger.fateOf(line) !== null) continue;
        ledger.mark(line, isLeftOut ? "left out" : "carried");
        if (!isLeftOut) orphans.push(commentOf(line));
      }
      if (!isLeftOut && !document.has(statement) && statement.comment !== "") orphans.push(statement.comment);
    }
    const table = document.tableOf(section.header);
    if (table === null) homeless.push(...orphans);
    else table.sayInside(...orphans);
  }
  document.sayLast(...homeless, ...file.foot.map(commentOf));
}
