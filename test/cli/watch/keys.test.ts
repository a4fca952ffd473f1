import { describe, expect, test } from "bun:test";
import { decodeKeys, decodeRest, type Key } from "../../../src/cli/watch/keys.ts";

const said = (keys: readonly Key[]): string =>
  keys.map((key) => (key.kind === "text" ? key.text : `<${key.name}>`)).join("");
const read = (input: string): string => {
  const { keys, rest } = decodeKeys(input);
  return said(keys) + (rest === "" ? "" : ` rest ${JSON.stringify(rest)}`);
};

describe("keys", () => {
  test.each([
    ["q", "q"],
    ["aé安😀", "aé安😀"],
    ["\r\n\t\u007f\b", "<enter><enter><tab><backspace><backspace>"],
    ["\u0003\u001a\u000c", "<ctrl-c><ctrl-z><ctrl-l>"],
    ["\u0000\u0001\u0085", ""],
    ["\u001b[A\u001b[B\u001bOA\u001bOB", "<up><down><up><down>"],
    [
      "\u001b[H\u001b[F\u001bOH\u001bOF\u001b[1~\u001b[4~\u001b[7~\u001b[8~",
      "<home><end><home><end><home><end><home><end>",
    ],
    ["\u001b[5~\u001b[6~\u001b[3~", "<pageUp><pageDown><delete>"],
    ["\u001b[1;5A\u001b[6;2~", "<up><pageDown>"],
    ["\u001bOM", "<enter>"],
    ["\u001b[[A\u001b[15~\u001b[200~j", "j"],
    ["\u001bj", "<escape>j"],
    ["\u001b\u001b[A", "<escape><up>"],
  ])("%j is %s", (input, keys) => {
    expect(read(input)).toBe(keys);
  });

  test.each(["\u001b", "\u001b[", "\u001bO", "\u001b[1;", "\u001b[["])("%j waits for its end", (begin) => {
    expect(read(`x${begin}`)).toBe(`x rest ${JSON.stringify(begin)}`);
  });

  test("a sequence that arrives in two pieces is one key", () => {
    const first = decodeKeys("\u001b[");
    expect(read(`${first.rest}Aj`)).toBe("<up>j");
  });

  test("an ESC that nothing follows is the Escape key, and what stands behind it was typed", () => {
    expect(said(decodeRest("\u001b"))).toBe("<escape>");
    expect(said(decodeRest("\u001b["))).toBe("<escape>[");
    expect(decodeRest("")).toEqual([]);
  });

  test("garbage never waits for ever, and takes no key with it", () => {
    expect(read(`\u001b[${"1;".repeat(40)}A`).startsWith("1")).toBeTrue();
    expect(read("\u001b[12\u0003")).toBe("<ctrl-c>");
  });
});
