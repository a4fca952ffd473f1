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
import { splitLine, stripComment, type Token } from "./words.ts";

/** A statement of keepalived's; with a block, what stands in its braces. */
export interface Block extends Statement {
  /** null: there are no braces. */
  readonly block: readonly Block[] | null;
  /** Comments before the closing brace. */
  readonly after: readonly Line[];
}

/** Files that an `include` names, by the pattern as written and the file that it stands in; null: they cannot be read. */
export type IncludeReader = (pattern: string, includedFrom: string) => readonly SourceFile[] | null;

/** What reading is told. */
export interface BlockWorld {
  readonly readIncluded: IncludeReader;
  /** What lines that begin with @ID are meant for; keepalived's default is the host name. */
  readonly configId: string;
}

/** Files read: what they say, and every line of them. */
export interface Blocks {
  readonly statements: readonly Block[];
  readonly foot: readonly Line[];
  readonly lines: readonly Line[];
}

/** Includes that include themselves end here. */
const MAX_INCLUDES = 100;
const MAX_DEPTH = 32;

interface Open {
  readonly statement: (Statement & { block: Block[] | null; after: Line[] }) | null;
  readonly children: Block[];
}

/** Reads the grammar. What it cannot read goes to the ledger; it throws an ImportError for what is no such file at all. */
export function readBlocks(file: SourceFile, world: BlockWorld, ledger: Ledger): Blocks {
  const reader = new BlockReader(world, ledger);
  reader.read(file);
  return reader.end(file);
}

class BlockReader {
  readonly #stack: Open[] = [{ statement: null, children: [] }];
  readonly #lines: Line[] = [];
  readonly #variables = new Map<string, string>();
  #pending: Line[] = [];
  #included = 0;

  constructor(
    private readonly world: BlockWorld,
    private readonly ledger: Ledger,
  ) {}

  read(file: SourceFile): void {
    if (file.text.length > MAX_SOURCE_CHARS) throw new ImportError("the file is larger than 1 MiB", file.path);
    if (file.text.includes("\0")) throw new ImportError("the file holds NUL bytes: it is no configuration", file.path);
    const lines = linesOf(file);
    this.#lines.push(...lines);
    for (let at = 0; at < lines.length; at++) {
      const line = lines[at] as Line;
      const { body, comment } = stripComment(line.text);
      if (body.trim() === "") {
        if (comment !== null) this.#pending.push(line);
        continue;
      }
      this.#readLine(line, body, (comment ?? "").trim());
    }
  }

  end(file: SourceFile): Blocks {
    const open = this.#stack.at(-1)?.statement;
    if (this.#stack.length > 1 && open != null) {
      throw new ImportError(`the block of ${wordAt(open, 0)} is not closed`, open.line.file, open.line.number);
    }
    const statements = this.#stack[0]?.children ?? [];
    if (statements.length === 0 && file.text.trim() !== "" && this.#included === 0) {
      throw new ImportError("there is no statement: this is no file of keepalived's", file.path, 1);
    }
    return { statements, foot: this.#pending, lines: this.#lines };
  }

  #readLine(line: Line, raw: string, comment: string): void {
    const body = this.#forThisHost(line, raw);
    if (body === null) return;
    if (this.#define(line, body)) return;
    const refused = /~SEQ\d?\(|<\d+\.\.\d+(\.\.\d+)?>/.exec(body);
    const tokens = splitLine(this.#substitute(body));
    const unknown = tokens.find(
      (token): token is Extract<Token, { kind: "word" }> =>
        token.kind === "word" && !token.quoted && /\$_?[A-Za-z_{]/.test(token.text),
    );
    if (refused !== null || unknown !== undefined) {
      const what = refused?.[0].replace(/\(.*/, "") ?? unknown?.text ?? "";
      const why = `${what} is not worked out here`;
      this.ledger.leftOut({ line, words: [], before: [], comment: "" }, why, "write what it stands for", true);
      for (const token of tokens) if (token.kind === "close") this.#close(line);
      // Its block must still end where it ends.
      if (tokens.some((token) => token.kind === "open")) this.#add(line, [{ text: "(left out)", column: 1 }], comment);
      for (const token of tokens) if (token.kind === "open") this.#open(line);
      return;
    }
    if (tokens.length === 0) this.ledger.mark(line, "default");
    let words: { text: string; column: number }[] = [];
    const flush = () => {
      if (words.length > 0) this.#add(line, words, comment);
      words = [];
    };
    for (const token of tokens) {
      if (token.kind === "word") words.push({ text: token.text, column: token.column });
      else if (token.kind === "open") {
        flush();
        this.#open(line);
      } else {
        flush();
        this.#close(line);
      }
    }
    if (words.length > 0 && /^include[rmwba]*$/.test(words[0]?.text ?? "")) this.#include(line, words[1]?.text ?? "");
    else flush();
  }

  /** `@ID text` and `@^ID text`: lines for one host, or for all others. Null: not for this one. */
  #forThisHost(line: Line, body: string): string | null {
    const match = /^\s*@(\^?)([^\s]+)(\s.*)?$/.exec(body);
    if (match === null) return body;
    const [, not, id = "", rest = ""] = match;
    if ((id === this.world.configId) !== (not === "^")) return " ".repeat(body.length - rest.length) + rest;
    this.ledger.leftOut(
      { line, words: [], before: [], comment: "" },
      `it is not for this host, whose id is ${this.world.configId}`,
      "--config-id of the import names another one",
    );
    return null;
  }

  /** `$NAME=value` */
  #define(line: Line, body: string): boolean {
    const match = /^\s*\$([A-Za-z][A-Za-z0-9_]*)\s*=(.*)$/.exec(body);
    if (match === null) return false;
    const [, name = "", value = ""] = match;
    if (value.trim().endsWith("\\"))
      this.ledger.leftOut(
        { line, words: [], before: [], comment: "" },
        "a definition of several lines is not read",
        "write what it stands for",
        true,
      );
    else {
      this.#variables.set(name, this.#substitute(value.trim()));
      this.ledger.mark(line, "carried");
    }
    return true;
  }

  #substitute(body: string): string {
    return body
      .replace(/\$\{?([A-Za-z][A-Za-z0-9_]*)\}?/g, (whole, name: string) => this.#variables.get(name) ?? whole)
      .slice(0, 65_536);
  }

  #add(line: Line, words: Statement["words"], comment: string): void {
    const block: Block & { block: Block[] | null } = {
      line,
      words,
      before: this.#pending,
      comment,
      block: null,
      after: [],
    };
    this.#pending = [];
    this.#stack.at(-1)?.children.push(block);
  }

  #open(line: Line): void {
    const children = this.#stack.at(-1)?.children ?? [];
    const owner = children.at(-1) as (Block & { block: Block[] | null; after: Line[] }) | undefined;
    if (owner === undefined || owner.block !== null)
      throw new ImportError("a block without a name", line.file, line.number);
    if (this.#stack.length > MAX_DEPTH) throw new ImportError("blocks are nested too deeply", line.file, line.number);
    owner.block = [];
    this.#stack.push({ statement: owner, children: owner.block });
    if (owner.line !== line) owner.after.push(line);
  }

  #close(line: Line): void {
    const closed = this.#stack.length > 1 ? this.#stack.pop() : undefined;
    if (closed?.statement == null) throw new ImportError("a } without its {", line.file, line.number);
    closed.statement.after.push(...this.#pending, line);
    this.#pending = [];
  }

  #include(line: Line, pattern: string): void {
    const files = ++this.#included > MAX_INCLUDES ? null : this.world.readIncluded(pattern, line.file);
    if (files === null || files.length === 0) {
      const why = this.#included > MAX_INCLUDES ? "more than 100 files are not included" : "no such file can be read";
      this.ledger.leftOut({ line, words: [], before: [], comment: "" }, `${why}: ${pattern}`, "", true);
      return;
    }
    this.ledger.mark(line, "carried");
    for (const file of files) this.read(file);
  }
}
