import type { Ledger } from "../ledger.ts";
import {
  ImportError,
  type Line,
  linesOf,
  MAX_SOURCE_CHARS,
  type SourceFile,
  type Statement,
  wordAt,
} from "../source.ts";
import { splitLine, type Variables } from "./words.ts";

/** Sections that a file of HAProxy 1.5 to 3.x can have. */
export const SECTIONS = [
  "global",
  "defaults",
  "listen",
  "frontend",
  "backend",
  "resolvers",
  "peers",
  "userlist",
  "program",
  "mailers",
  "cache",
  "ring",
  "http-errors",
  "fcgi-app",
  "log-forward",
  "log-profile",
  "crt-store",
  "traces",
  "acme",
] as const;

/** A section: its header and what stands under it. */
export interface Section {
  readonly kind: (typeof SECTIONS)[number];
  /** Second word of the header; "" when there is none. */
  readonly name: string;
  /** Name of the defaults that `from` asks for; null: the last ones before it. */
  readonly from: string | null;
  readonly header: Statement;
  readonly statements: readonly Statement[];
}

/** A file of HAProxy's as sections. */
export interface HaproxyFile {
  readonly sections: readonly Section[];
  /** Comments at the top, apart from the first section by a blank line. */
  readonly head: readonly Line[];
  /** Comments at the end. */
  readonly foot: readonly Line[];
  readonly lines: readonly Line[];
}

/** Lines that are no configuration whatever section they stand in. */
const MACROS = /^\.(if|elif|else|endif|notice|warning|alert|diag)$/;

/**
 * Reads the grammar. What it cannot read goes to the ledger; it throws an ImportError for what is no such file at all.
 * @param variables the environment; `setenv` and its like in [global] change it for what follows
 */
export function readSections(file: SourceFile, given: Variables, ledger: Ledger): HaproxyFile {
  if (file.text.length > MAX_SOURCE_CHARS) throw new ImportError("the file is larger than 1 MiB", file.path);
  if (file.text.includes("\0")) throw new ImportError("the file holds NUL bytes: it is no configuration", file.path);
  const lines = linesOf(file);
  const variables: Record<string, string | undefined> = { ...given };
  const sections: (Section & { statements: Statement[] })[] = [];
  let head: Line[] = [];
  let pending: Line[] = [];
  let depth = 0;
  for (const line of lines) {
    const { words, comment, unset, open } = splitLine(line.text, variables);
    if (open !== null) {
      const why = `${open === "${" ? "a variable" : `a ${open}`} is not closed in its line`;
      if (sections.length === 0) throw new ImportError(why, line.file, line.number);
      ledger.leftOut({ line, words: [], before: [], comment: "" }, why, "HAProxy refuses the file for it", true);
      continue;
    }
    if (words.length === 0) {
      if (comment !== null) pending.push(line);
      else if (sections.length === 0) {
        head = [...head, ...pending];
        pending = [];
      }
      continue;
    }
    const statement: Statement = { line, words, before: pending, comment: (comment ?? "").trim() };
    pending = [];
    for (const name of unset) {
      ledger.note(
        { line },
        `the variable ${name} is not set here, and is taken for nothing`,
        `set ${name} and import again`,
      );
    }
    const keyword = wordAt(statement, 0);
    const macro = MACROS.exec(keyword);
    if (macro !== null || depth > 0) {
      depth = Math.max(0, depth + (keyword === ".if" ? 1 : keyword === ".endif" ? -1 : 0));
      leaveMacroOut(statement, macro !== null, ledger);
      continue;
    }
    if (isSection(keyword)) {
      sections.push({ kind: keyword, ...named(statement), header: statement, statements: [] });
      continue;
    }
    const section = sections.at(-1);
    if (section === undefined) {
      ledger.leftOut(statement, "it stands before any section", "HAProxy refuses the file for it");
      continue;
    }
    if (section.kind === "global") setVariable(statement, variables, ledger);
    section.statements.push(statement);
  }
  if (sections.length === 0 && lines.some((line) => line.text.trim() !== "")) {
    throw new ImportError(
      "there is no section: a file of HAProxy has global, defaults, listen, frontend or backend",
      file.path,
      1,
    );
  }
  return { sections, head, foot: pending, lines };
}

function isSection(word: string): word is Section["kind"] {
  return (SECTIONS as readonly string[]).includes(word);
}

function named(header: Statement): Pick<Section, "name" | "from"> {
  const words = header.words.map(({ text }) => text);
  const at = words.indexOf("from", 1);
  const name = at === 1 ? "" : (words[1] ?? "");
  return { name, from: at < 0 ? null : (words[at + 1] ?? null) };
}

function leaveMacroOut(statement: Statement, isMacro: boolean, ledger: Ledger): void {
  const keyword = wordAt(statement, 0);
  for (const line of statement.before) ledger.mark(line, "left out");
  const inside = /^(bind|server|listen|frontend|backend|use_backend|default_backend|mode)$/.test(keyword);
  if (!isMacro) {
    ledger.leftOut(statement, "it stands between .if and .endif, which are not evaluated here", "", inside);
    return;
  }
  const why = /^\.(if|elif|else|endif)$/.test(keyword)
    ? "conditions are not evaluated: nothing up to .endif is carried over"
    : "messages while a file is read are HAProxy's own";
  ledger.leftOut(statement, why, keyword === ".if" ? "write the lines that hold for this host without .if" : "");
}

/** setenv and its like: variables for the lines below. */
function setVariable(statement: Statement, variables: Record<string, string | undefined>, ledger: Ledger): void {
  const [keyword, name = "", value = ""] = statement.words.map(({ text }) => text);
  const known = Object.hasOwn(variables, name) && variables[name] !== undefined;
  if (keyword === "setenv" || (keyword === "presetenv" && !known)) variables[name] = value;
  else if (keyword === "unsetenv") for (const { text } of statement.words.slice(1)) delete variables[text];
  else if (keyword === "resetenv") {
    const kept = new Set(statement.words.slice(1).map(({ text }) => text));
    for (const key of Object.keys(variables)) if (!kept.has(key)) delete variables[key];
  } else if (keyword !== "presetenv") return;
  ledger.mark(statement.line, "default");
}
