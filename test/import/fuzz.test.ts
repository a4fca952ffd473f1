import { expect, test } from "bun:test";
import { importFiles } from "../../src/import/importFiles.ts";
import { ImportError } from "../../src/import/source.ts";
import { Random } from "../../src/vrrp/lan/random.ts";
import { CORPUS, problems, WORLD } from "./importing.ts";

/** The same seed gives the same numbers, 0 to below 1. */
function seeded(seed: number): () => number {
  const random = new Random(seed);
  return () => random.fraction();
}

const SPICE = [
  "{",
  "}",
  '"',
  "'",
  "\\",
  "#",
  "!",
  "$",
  "${",
  "\n",
  " ",
  "\0",
  "-1",
  "99999999999",
  "bind",
  "server",
  ":0",
  "::",
  "[",
  "ssl",
  "if",
  "from",
  "no ",
  "@x ",
  "include *",
  "~SEQ(",
  "é",
  "\ud800",
  "\x7f",
  "__proto__",
  "constructor",
];
const PIECE_CHARS = 600;

function mutate(text: string, next: () => number): string {
  const at = Math.floor(next() * Math.max(1, text.length - PIECE_CHARS));
  let piece = text.slice(at, at + PIECE_CHARS);
  for (let times = 1 + Math.floor(next() * 4); times > 0; times--) {
    const place = Math.floor(next() * piece.length);
    const length = Math.floor(next() * 12);
    const spice = SPICE[Math.floor(next() * SPICE.length)] as string;
    const kind = next();
    if (kind < 0.4) piece = piece.slice(0, place) + spice + piece.slice(place);
    else if (kind < 0.7) piece = piece.slice(0, place) + piece.slice(place + length);
    else piece = piece.slice(0, place) + piece.slice(place, place + length).repeat(2) + piece.slice(place);
  }
  return next() < 0.5 ? piece : `${text.slice(0, at)}${piece}`.slice(-1500);
}

test("100,000 mutated files throw nothing but ImportError, and what comes out of some of them validates", () => {
  const next = seeded(6);
  let refused = 0;
  for (let round = 0; round < 100_000; round++) {
    const { path, text } = CORPUS[Math.floor(next() * CORPUS.length)] as (typeof CORPUS)[number];
    const input = mutate(text, next);
    try {
      const { toml, lines } = importFiles([{ path, text: input }], WORLD);
      const silent = lines.find(
        (line) => line.fate === "blank" && line.text.trim() !== "" && !/^["'\\\s]*$/.test(line.text),
      );
      if (silent !== undefined) throw new Error(`${path} dropped "${silent.text}" of ${JSON.stringify(input)}`);
      if (round % 20 !== 0) continue;
      const [error] = problems(toml).filter(
        ({ severity, message }) => severity === "error" && !message.startsWith("nothing to do"),
      );
      if (error !== undefined) throw new Error(`${error.path}: ${error.message} of ${JSON.stringify(input)}\n${toml}`);
    } catch (error) {
      if (!(error instanceof ImportError)) throw error;
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(0);
}, 240_000);
