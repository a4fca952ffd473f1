/** HAProxy's stats-socket language: one line of commands, separated by ";"; each answer ends with an empty line. */

/** Longest line of commands that is read, without its end. */
export const MAX_LINE_BYTES = 16 * 1024;

const NEWLINE = 0x0a;

/** Gathers a client's first line. What comes after it, and after a line that is too long, is not for us. */
export class LineReader {
  private parts: Uint8Array[] = [];
  private bytes = 0;

  /** More has arrived: the line, null while it is not complete, or "too long". */
  push(chunk: Uint8Array): { line: string } | "too long" | null {
    const end = chunk.indexOf(NEWLINE);
    const part = end < 0 ? chunk : chunk.subarray(0, end);
    this.bytes += part.length;
    if (this.bytes > MAX_LINE_BYTES) {
      this.parts = [];
      return "too long";
    }
    this.parts.push(part);
    return end < 0 ? null : { line: this.text() };
  }

  /** What has come so far, for a client that ends its line by ending its input; null: nothing. */
  rest(): string | null {
    return this.bytes === 0 ? null : this.text();
  }

  private text(): string {
    // CRLF is as good as LF.
    return new TextDecoder().decode(Buffer.concat(this.parts)).replace(/\r$/, "");
  }
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

/** A command that clients may give. */
export interface AdminCommand {
  /** The words it begins with. */
  readonly words: readonly string[];
  /** Those words and its arguments, as help shows them. */
  readonly usage: string;
  readonly summary: string;
  /** The answer, now or later, each line ended by a newline; null: those arguments make no sense. */
  run(args: readonly string[]): string | null | Promise<string>;
}

/** The answer to one command, with the empty line at its end. Words that are no command are answered with those that are. */
export function answer(words: readonly string[], commands: readonly AdminCommand[]): string | Promise<string> {
  const all = [...commands, helpFor(commands)];
  const command = all.find((each) => each.words.every((word, i) => word === words[i]));
  const answered = command?.run(words.slice(command.words.length)) ?? unknown(words, all);
  return typeof answered === "string" ? `${answered}\n` : answered.then((text) => `${text}\n`);
}

/** How answers begin that are refusals: what was asked for has not been done. */
export const REFUSALS = ["Unknown command", "Command line too long", "Internal error", "Failed: "] as const;

function helpFor(commands: readonly AdminCommand[]): AdminCommand {
  const help: AdminCommand = {
    words: ["help"],
    usage: "help [<command>]",
    summary: "list matching or all commands",
    run(args) {
      const near = commands.filter((each) => args.every((word, i) => each.words[i]?.startsWith(word)));
      return `The following commands are valid at this level:\n${usageLines([...near, help])}`;
    },
  };
  return help;
}

function unknown(words: readonly string[], commands: readonly AdminCommand[]): string {
  const near = commands.filter((each) => words[0] !== undefined && each.words[0]?.startsWith(words[0]));
  const [sentence, listed] =
    near.length > 0
      ? [
          "Unknown command, but maybe one of the following ones is a better match:",
          [...new Set([...near, ...commands.slice(-1)])],
        ]
      : ["Unknown command. Please enter one of the following commands only:", commands];
  return `${sentence}\n${usageLines(listed)}`;
}

function usageLines(commands: readonly AdminCommand[]): string {
  return commands.map(({ usage, summary }) => `  ${usage.padEnd(40)}: ${summary}\n`).join("");
}
