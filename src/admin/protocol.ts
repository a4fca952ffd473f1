import { Level } from "../core/syslogCodes.ts";
import { type AdminCommand, allows, type Pieces, type Reply, refused } from "./command.ts";
import { AdminSession } from "./session.ts";
import { severityMark } from "./severity.ts";

/** HAProxy's stats-socket language: lines of commands, separated by ";"; each answer ends with an empty line. */

/** Longest line of commands that is read, without its end. */
export const MAX_LINE_BYTES = 16 * 1024;

const NEWLINE = 0x0a;

/** Gathers what a client sends, and gives it out by the line. */
export class LineReader {
  private chunks: Uint8Array[] = [];
  /** Chunks, and bytes of them, that are known to have no newline. */
  private scanned = 0;
  private scannedBytes = 0;
  private held = 0;

  push(chunk: Uint8Array): void {
    if (chunk.length > 0) this.chunks.push(chunk);
    this.held += chunk.length;
  }

  /** Bytes that {@link line} has not given out. */
  get bytes(): number {
    return this.held;
  }

  /** The next line, null while it is not complete, or "too long": what there is has been forgotten then. */
  line(): { line: string } | "too long" | null {
    for (; this.scanned < this.chunks.length; this.scanned++) {
      const chunk = this.chunks[this.scanned] as Uint8Array;
      const end = chunk.indexOf(NEWLINE);
      this.scannedBytes += end < 0 ? chunk.length : end;
      if (this.scannedBytes > MAX_LINE_BYTES) {
        this.keep([]);
        return "too long";
      }
      if (end >= 0) return { line: this.take(chunk, end) };
    }
    return null;
  }

  /** What there is, for a client that ends its line by ending its input; null: nothing. */
  rest(): string | null {
    if (this.held === 0) return null;
    const text = decodeLine(this.chunks);
    this.keep([]);
    return text;
  }

  private take(last: Uint8Array, end: number): string {
    const text = decodeLine([...this.chunks.slice(0, this.scanned), last.subarray(0, end)]);
    const rest = last.subarray(end + 1);
    this.keep([...(rest.length > 0 ? [rest] : []), ...this.chunks.slice(this.scanned + 1)]);
    return text;
  }

  private keep(chunks: Uint8Array[]): void {
    this.chunks = chunks;
    this.scanned = 0;
    this.scannedBytes = 0;
    this.held = chunks.reduce((bytes, { length }) => bytes + length, 0);
  }
}

function decodeLine(chunks: readonly Uint8Array[]): string {
  // CRLF is as good as LF.
  return new TextDecoder().decode(Buffer.concat(chunks)).replace(/\r$/, "");
}

/** The words of each command of a line. A backslash takes the next character as it is: "\;", "\ ", "\\". */
export function splitCommands(line: string): string[][] {
  const commands: string[][] = [[]];
  let word: string | null = null;
  const endWord = (): void => {
    if (word !== null) commands.at(-1)?.push(word);
    word = null;
  };
  for (let at = 0; at < line.length; at++) {
    const character = line[at] as string;
    if (character === "\\" && at + 1 < line.length) {
      word = (word ?? "") + line[++at];
    } else if (character === ";") {
      endWord();
      commands.push([]);
    } else if (character === " " || character === "\t") {
      endWord();
    } else {
      word = (word ?? "") + character;
    }
  }
  endWord();
  return commands;
}

/**
 * The answer to one command, with the empty line at its end, or with the prompt behind it; "" to a client that has left.
 * Words that are no command are answered with those that are.
 */
export function answer(
  words: readonly string[],
  commands: readonly AdminCommand[],
  session: AdminSession = new AdminSession(),
): Said | Promise<Said> {
  const reply = replyTo(words, commands, session);
  return reply instanceof Promise ? reply.then((text) => say(text, session)) : say(reply, session);
}

/** The same, whole, for those of our own who have no client to pass pieces on to. */
export async function answerWhole(
  words: readonly string[],
  commands: readonly AdminCommand[],
  session: AdminSession = new AdminSession(),
): Promise<string> {
  const said = await answer(words, commands, session);
  if (typeof said === "string") return said;
  const pieces: Uint8Array[] = [];
  for await (const piece of said) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces).toString();
}

/** What goes out to a client, at once or in pieces. */
export type Said = string | AsyncGenerator<Uint8Array | string>;

function say(reply: Reply, session: AdminSession): Said {
  return typeof reply === "string" || "text" in reply ? spell(reply, session) : withEnd(reply, session);
}

async function* withEnd({ pieces }: Pieces, session: AdminSession): AsyncGenerator<Uint8Array | string> {
  yield* pieces;
  yield endOf(session);
}

/** A message that no command has to do with, as clients see it. */
export function spell(reply: Exclude<Reply, Pieces>, session: AdminSession): string {
  if (session.left) return "";
  const text =
    typeof reply === "string" ? reply : `${severityMark(reply.severity, session.severityOutput)}${reply.text}`;
  return `${text}${endOf(session)}`;
}

function endOf({ prompt }: AdminSession): string {
  return prompt ? "\n> " : "\n";
}

function replyTo(
  words: readonly string[],
  commands: readonly AdminCommand[],
  session: AdminSession,
): Reply | Promise<Reply> {
  const command = commands.find((each) => each.words.every((word, i) => word === words[i]));
  if (command !== undefined && !allows(session.level, command.level)) return refused("Permission denied");
  return command?.run(words.slice(command.words.length), session) ?? unknown(words, commands, session);
}

/** Those that help lists: the client's level allows them, and they begin with these words, or their beginnings. */
export function matching(
  words: readonly string[],
  commands: readonly AdminCommand[],
  { level }: AdminSession,
): AdminCommand[] {
  return commands.filter(
    (each) =>
      each.usage !== "" &&
      allows(level, each.level) &&
      words.every((word, i) => each.words[i] === undefined || each.words[i].startsWith(word)),
  );
}

function unknown(words: readonly string[], commands: readonly AdminCommand[], session: AdminSession): Reply {
  const near = words.length === 0 ? [] : matching(words.slice(0, 1), commands, session);
  const text =
    near.length > 0
      ? `Unknown command, but maybe one of the following ones is a better match:\n${usageLines([...new Set([...near, ...always(commands)])])}`
      : `Unknown command. Please enter one of the following commands only:\n${usageLines(matching([], commands, session))}`;
  return { severity: Level.err, text };
}

/** Those of {@link LAST}. */
export function always(commands: readonly AdminCommand[]): AdminCommand[] {
  return commands.filter(({ words: [first = ""] }) => LAST.includes(first));
}

/** The commands that every list ends with, in this order. */
export const LAST: readonly string[] = ["help", "prompt", "quit"];

/** The order in which commands are listed: by their words, {@link LAST} last. */
export function byWords(a: AdminCommand, b: AdminCommand): number {
  const place = ({ words }: AdminCommand): string => `${LAST.indexOf(words[0] ?? "") + 1} ${words.join(" ")}`;
  return place(a) < place(b) ? -1 : 1;
}

/** One line a command, as help shows it. */
export function usageLines(commands: readonly AdminCommand[]): string {
  return commands.map(({ usage, summary }) => `  ${usage.padEnd(40)}: ${summary}\n`).join("");
}
