/** What a person does on the keyboard: a character, a named key, or Ctrl with a letter ("ctrl-c"). */
export type Key = { readonly kind: "text"; readonly text: string } | { readonly kind: "key"; readonly name: KeyName };

export type KeyName =
  | "up"
  | "down"
  | "left"
  | "right"
  | "home"
  | "end"
  | "pageUp"
  | "pageDown"
  | "enter"
  | "escape"
  | "backspace"
  | "delete"
  | "tab"
  | "ctrl-b"
  | "ctrl-c"
  | "ctrl-d"
  | "ctrl-f"
  | "ctrl-l"
  | "ctrl-u"
  | "ctrl-w"
  | "ctrl-z";

/** Keys read, and the beginning of one that is not complete yet. */
export interface Decoded {
  readonly keys: readonly Key[];
  readonly rest: string;
}

const ESCAPE = "\u001b";
/** No terminal's sequence is longer; what is, is garbage. */
const LONGEST_SEQUENCE = 32;

const CONTROL: Readonly<Record<string, KeyName>> = {
  "\r": "enter",
  "\n": "enter",
  "\t": "tab",
  "\b": "backspace",
  "\u007f": "backspace",
  "\u0002": "ctrl-b",
  "\u0003": "ctrl-c",
  "\u0004": "ctrl-d",
  "\u0006": "ctrl-f",
  "\u000c": "ctrl-l",
  "\u0015": "ctrl-u",
  "\u0017": "ctrl-w",
  "\u001a": "ctrl-z",
};

/** By the last letter of ESC [ … and ESC O …; xterm's, the Linux console's, rxvt's. */
const BY_LETTER: Readonly<Record<string, KeyName>> = {
  A: "up",
  B: "down",
  C: "right",
  D: "left",
  H: "home",
  F: "end",
  M: "enter",
};

/** By the number of ESC [ N ~. */
const BY_NUMBER: Readonly<Record<string, KeyName>> = {
  "1": "home",
  "3": "delete",
  "4": "end",
  "5": "pageUp",
  "6": "pageDown",
  "7": "home",
  "8": "end",
};

/**
 * Reads what a terminal sends. A sequence that is not complete waits in `rest`, to be put before what comes next; modifiers
 * (Shift, Alt, Ctrl with an arrow) are not told apart, and sequences of other keys are dropped.
 */
export function decodeKeys(input: string): Decoded {
  const keys: Key[] = [];
  let at = 0;
  while (at < input.length) {
    if (input[at] !== ESCAPE) {
      const character = String.fromCodePoint(input.codePointAt(at) as number);
      at += character.length;
      keys.push(...plainKey(character));
      continue;
    }
    const sequence = sequenceAt(input, at);
    if (sequence === null) return { keys, rest: input.slice(at) };
    at += sequence.length;
    const name = nameOf(sequence);
    if (name !== null) keys.push({ kind: "key", name });
  }
  return { keys, rest: "" };
}

/** Nothing came after it for a while: the beginning of a sequence was the Escape key, and what followed it typed. */
export function decodeRest(rest: string): Key[] {
  if (!rest.startsWith(ESCAPE)) return [];
  return [{ kind: "key", name: "escape" }, ...decodeKeys(rest.slice(1)).keys];
}

function plainKey(character: string): Key[] {
  const name = CONTROL[character];
  if (name !== undefined) return [{ kind: "key", name }];
  return /\p{Cc}/u.test(character) ? [] : [{ kind: "text", text: character }];
}

/** The sequence that begins with this ESC; null: it is not complete. */
function sequenceAt(input: string, at: number): string | null {
  const next = input[at + 1];
  if (next === undefined) return null;
  if (next === "O") return at + 2 < input.length ? input.slice(at, at + 3) : null;
  // Anything else after ESC is Escape itself, and a key of its own.
  if (next !== "[") return ESCAPE;
  // The Linux console's function keys: ESC [ [ A.
  const from = input[at + 2] === "[" ? at + 3 : at + 2;
  for (let end = from; end < input.length; end++) {
    if (end - at >= LONGEST_SEQUENCE) return input.slice(at, end);
    // ECMA-48 §5.4: parameters and intermediates lie below the final byte.
    const code = input.charCodeAt(end);
    if (code >= 0x40 && code <= 0x7e) return input.slice(at, end + 1);
    if (code < 0x20 || code > 0x7e) return input.slice(at, end);
  }
  return null;
}

function nameOf(sequence: string): KeyName | null {
  if (sequence === ESCAPE) return "escape";
  if (sequence.startsWith(`${ESCAPE}[[`)) return null;
  const final = sequence.at(-1) as string;
  if (final !== "~") return BY_LETTER[final] ?? null;
  return BY_NUMBER[sequence.slice(2, -1).split(";")[0] as string] ?? null;
}
