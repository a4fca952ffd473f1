import type { Word } from "../source.ts";

/**
 * Variables of the environment, as far as the file may see them. Under "fd@N", which is no name of a variable, stands the
 * address that a socket is bound to which whoever started the program left open.
 */
export type Variables = Readonly<Record<string, string | undefined>>;

/** A line taken apart. */
export interface Words {
  readonly words: readonly Word[];
  /** Text behind an unquoted #; null: there is none. */
  readonly comment: string | null;
  /** Variables that are not set: HAProxy takes them for nothing. */
  readonly unset: readonly string[];
  /** What the line breaks off in; null: it is whole. */
  readonly open: '"' | "'" | "${" | null;
}

const ESCAPES: Readonly<Record<string, string>> = {
  " ": " ",
  "#": "#",
  "\\": "\\",
  '"': '"',
  "'": "'",
  $: "$",
  t: "\t",
  r: "\r",
  n: "\n",
};

/** HAProxy takes 64 words a line; more is no configuration. */
const MAX_WORDS = 1024;

/**
 * Takes a line of HAProxy's apart: blanks part words, "…" keeps blanks and lets variables in, '…' keeps everything, a backslash
 * keeps the next character or is \t \r \n \xHH (before anything else it is itself), # begins a comment.
 */
export function splitLine(line: string, variables: Variables): Words {
  const characters = [...line];
  const words: Word[] = [];
  const unset: string[] = [];
  let text = "";
  let start = -1;
  let quote: '"' | "'" | null = null;
  let comment: string | null = null;
  const end = () => {
    if (start >= 0 && words.length < MAX_WORDS) words.push({ text, column: start + 1 });
    text = "";
    start = -1;
  };
  for (let at = 0; at < characters.length; at++) {
    const char = characters[at] as string;
    if (quote === null && (char === " " || char === "\t" || char === "\r")) {
      end();
      continue;
    }
    if (quote === null && char === "#") {
      comment = characters.slice(at + 1).join("");
      break;
    }
    if (start < 0) start = at;
    if (char === '"' && quote !== "'") quote = quote === null ? '"' : null;
    else if (char === "'" && quote !== '"') quote = quote === null ? "'" : null;
    else if (char === "\\" && quote !== "'") {
      const escaped = readEscape(characters, at);
      text += escaped.text;
      at += escaped.length - 1;
    } else if (char === "$" && quote === '"') {
      const variable = readVariable(characters, at);
      if (variable === "open") return { words, comment, unset, open: "${" };
      if (variable === null) {
        text += char;
        continue;
      }
      const value = Object.hasOwn(variables, variable.name) ? variables[variable.name] : undefined;
      if (value === undefined && variable.otherwise === null) unset.push(variable.name);
      text += value ?? variable.otherwise ?? "";
      at += variable.length - 1;
    } else text += char;
  }
  end();
  return { words, comment, unset, open: quote };
}

function readEscape(characters: readonly string[], at: number): { text: string; length: number } {
  const next = characters[at + 1] ?? "";
  const hex = characters.slice(at + 2, at + 4).join("");
  if (next === "x" && /^[0-9A-Fa-f]{2}$/.test(hex)) {
    return { text: String.fromCharCode(Number.parseInt(hex, 16)), length: 4 };
  }
  return Object.hasOwn(ESCAPES, next) ? { text: ESCAPES[next] as string, length: 2 } : { text: "\\", length: 1 };
}

interface Variable {
  readonly name: string;
  /** What stands in when it is not set, `${NAME-TEXT}`; null: nothing does. */
  readonly otherwise: string | null;
  /** Characters that it takes in the line. */
  readonly length: number;
}

/** The variable that begins at a dollar sign; null: none does. */
function readVariable(characters: readonly string[], at: number): Variable | "open" | null {
  const braced = characters[at + 1] === "{";
  const from = at + (braced ? 2 : 1);
  let to = from;
  while (/^[A-Za-z0-9_.]$/.test(characters[to] ?? "")) to++;
  const name = characters.slice(from, to).join("");
  if (!braced) return name === "" ? null : { name, otherwise: null, length: to - at };
  const close = characters.indexOf("}", to);
  if (close < 0) return "open";
  // ${NAME[*]} makes words of a list; one word is all that we can say.
  const rest = characters
    .slice(to, close)
    .join("")
    .replace(/^\[\*\]/, "");
  return { name, otherwise: rest.startsWith("-") ? rest.slice(1) : null, length: close - at + 1 };
}

/** Replaces the variables in an address, where HAProxy takes them without quotes, too. */
export function expandVariables(text: string, variables: Variables): string {
  return text.replace(/\$(?:\{([A-Za-z0-9_.]+)\}|([A-Za-z0-9_]+))/g, (whole, braced?: string, bare?: string) => {
    const name = braced ?? bare ?? "";
    return (Object.hasOwn(variables, name) ? variables[name] : undefined) ?? whole;
  });
}
