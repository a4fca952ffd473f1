/** A word or a brace of a line of keepalived's. */
export type Token =
  | { readonly kind: "word"; readonly text: string; readonly column: number; readonly quoted: boolean }
  | { readonly kind: "open" | "close"; readonly column: number };

/** Parts a line from its comment: ! or # outside of double quotes, a backslash before it takes it for a letter. */
export function stripComment(line: string): { body: string; comment: string | null } {
  let quoted = false;
  for (let at = 0; at < line.length; at++) {
    const char = line[at];
    if (char === "\\") at++;
    else if (char === '"') quoted = !quoted;
    else if (!quoted && (char === "!" || char === "#")) return { body: line.slice(0, at), comment: line.slice(at + 1) };
  }
  return { body: line, comment: null };
}

/** Words at blanks; "…" is one word; braces are words of their own outside of quotes, where they stand at the edge of one. */
export function splitLine(body: string): Token[] {
  const tokens: Token[] = [];
  const pattern = /"((?:[^"\\]|\\.)*)"?|([{}])|((?:\\.|[^\s"{}\\]|\$\{[^}]*\}|\\$)+)/gs;
  for (const match of body.matchAll(pattern)) {
    const column = [...body.slice(0, match.index)].length + 1;
    const [, quoted, brace, word] = match;
    if (brace !== undefined) tokens.push({ kind: brace === "{" ? "open" : "close", column });
    else if (word !== undefined)
      tokens.push({ kind: "word", text: word.replace(/\\(.)/gs, "$1"), column, quoted: false });
    // Within quotes only quotes and backslashes are escaped: scripts keep the others.
    else tokens.push({ kind: "word", text: (quoted ?? "").replace(/\\(["\\])/g, "$1"), column, quoted: true });
  }
  return tokens;
}

/**
 * The words of a command as keepalived runs it: at blanks, with '…' and "…" as one word. A string that only a shell
 * understands is given to one.
 */
export function splitCommand(text: string): string[] {
  if (/[|&;<>()$`*?\n]/.test(text)) return ["/bin/sh", "-c", text];
  const words: string[] = [];
  for (const match of text.matchAll(/(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|((?:\\.|[^\s"'\\])+))/gs)) {
    words.push(match[1]?.replace(/\\(.)/gs, "$1") ?? match[2] ?? (match[3] ?? "").replace(/\\(.)/gs, "$1"));
  }
  return words;
}
