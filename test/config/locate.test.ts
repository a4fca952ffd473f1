import { describe, expect, test } from "bun:test";
import { Lines, locate } from "../../src/config/locate.ts";
import { formatPath, type Path } from "../../src/config/places.ts";

/** The text that a path's key and value were found at. */
function at(text: string, path: Path): { key: string | null; value: string | null } {
  const place = locate(text).places.find(path);
  const cut = (span: { offset: number; length: number } | null | undefined) =>
    span ? text.slice(span.offset, span.offset + span.length) : null;
  return { key: cut(place?.key), value: cut(place?.value) };
}

describe("the place of a key", () => {
  test.each<[string, string, Path, string | null, string | null]>([
    ["bare", "a = 1", ["a"], "a", "1"],
    ["bare value with a comment behind", "a = 1.5  # why", ["a"], "a", "1.5"],
    ["bare value of several words", "a = 2026-11-22 10:00:00 # now", ["a"], "a", "2026-11-22 10:00:00"],
    ["dotted", "a.b.c = 1", ["a", "b", "c"], "c", "1"],
    ["dotted, in the middle", "a.b.c = 1", ["a", "b"], "b", null],
    ["quoted", `"a b".'c' = 1`, ["a b", "c"], "'c'", "1"],
    ["quoted with an escape", `"\\u0061\\"" = 1`, ['a"'], `"\\u0061\\""`, "1"],
    ["with blanks around its dots", "a . b = 1", ["a", "b"], "b", "1"],
    ["in a table", "[x]\na = 1", ["x", "a"], "a", "1"],
    ["in a table after another", "[x]\na = 1\n[y]\na = 2", ["y", "a"], "a", "2"],
    ["a table itself", "[x.y]\na = 1", ["x", "y"], "y", null],
    ["a table made on the way", "[x.y]\na = 1", ["x"], "x", null],
    ["a table with its header after that of its child", "[x.y]\n[ x ]\na = 1", ["x", "a"], "a", "1"],
    ["the first table of a list", "[[x]]\na = 1\n[[x]]\na = 2", ["x", 0, "a"], "a", "1"],
    ["the second table of a list", "[[x]]\na = 1\n[[x]]\na = 2", ["x", 1, "a"], "a", "2"],
    ["a list's element itself", "[[x.y]]\na = 1", ["x", "y", 0], "y", null],
    ["a table under the last element", "[[x]]\n[[x]]\n[x.y]\na = 1", ["x", 1, "y", "a"], "a", "1"],
    ["a list under the last element", "[[x]]\n[[x]]\n[[x.y]]\n[[x.y]]\na = 1", ["x", 1, "y", 1, "a"], "a", "1"],
    ["in an inline table", "a = { b = 1, c = 2 }", ["a", "c"], "c", "2"],
    ["dotted in an inline table", "a = { b.c = 1 }", ["a", "b", "c"], "c", "1"],
    ["an inline table itself", "a = { b = { c = 1 } }", ["a", "b"], "b", "{ c = 1 }"],
    ["an element", "a = [1, 22, 3]", ["a", 1], null, "22"],
    ["an element of a list over lines", "a = [\n  1, # one\n  22,\n]", ["a", 1], null, "22"],
    ["a list in a list", "a = [[1], [2, 33]]", ["a", 1, 1], null, "33"],
    ["an inline table in a list", "a = [{ b = 1 }, { b = 2 }]", ["a", 1, "b"], "b", "2"],
    ["a string with a hash and brackets", `a = "#]}=,"\nb = 2`, ["a"], "a", `"#]}=,"`],
    ["after such a string", `a = "#]}=,"\nb = 2`, ["b"], "b", "2"],
    ["a string with an escaped quote", `a = "x\\"y"\nb = 2`, ["b"], "b", "2"],
    ["a literal string with a backslash", `a = 'x\\'\nb = 2`, ["b"], "b", "2"],
    ["a string over lines", `a = """x\n"y"\n"""\nb = 2`, ["a"], "a", `"""x\n"y"\n"""`],
    ["a string over lines that ends with quotes", `a = """x"""""\nb = 2`, ["a"], "a", `"""x"""""`],
    ["a literal string over lines", `a = '''x\n# ]\n'''\nb = 2`, ["b"], "b", "2"],
    ["after CRLF lines", "[x]\r\na = 1\r\nb = 2\r\n", ["x", "b"], "b", "2"],
    ["after a byte order mark", "\ufeffa = 1", ["a"], "a", "1"],
    ["without a newline at the end", "[x]\na = true", ["x", "a"], "a", "true"],
  ])("%s", (_name, text, path, key, value) => {
    expect(at(text, path)).toEqual({ key, value });
  });

  test("of a table is its own header, not an earlier one of a table in it", () => {
    expect(locate("[x.y]\n[x]\na = 1").places.find(["x"])?.key).toEqual({ offset: 7, length: 1 });
  });

  test("is nowhere for a path that the text does not have", () => {
    expect(locate("[a]\nb = 1").places.find(["a", "c"])).toBeNull();
    expect(locate("a = [1]").places.find(["a", 1])).toBeNull();
  });

  test("falls back to what is nearest: the table that lacks the key", () => {
    const { places } = locate("[a.b]\nc = 1\n[[d]]\n");
    expect(places.nearest(["a", "b", "x", "y"])).toEqual({ offset: 3, length: 1 });
    expect(places.nearest(["d", 0, "x"])).toEqual({ offset: 14, length: 1 });
    expect(places.nearest(["z"])).toBeNull();
  });

  test("is the value itself for an element of a list that was written as one value", () => {
    expect(locate('bind = ":80"').places.nearest(["bind", 0])).toEqual({ offset: 7, length: 5 });
  });

  test("is found up to where the text stops being TOML", () => {
    expect(at("a = 1\nb = [1, 2\n[c]\nd = 3", ["a"]).value).toBe("1");
    for (const text of [
      "a",
      "a =",
      "= 1",
      "[",
      "[[",
      "[a",
      'a = "',
      "a = [",
      "a = {",
      "a = {b",
      "a = '''",
      "a.",
      "a = ]",
    ]) {
      expect(() => locate(text)).not.toThrow();
    }
  });

  test("names the statement that a parser refused", () => {
    expect(locate("[a]\nb = 1\nb = 2", 10).unfinished).toEqual(["a", "b"]);
    expect(locate("[a]\n[b]\n[a]", 9).unfinished).toEqual(["a"]);
    expect(locate("[[a]]\nx.y = 1\nx = 2", 14).unfinished).toEqual(["a", 0, "x"]);
  });
});

describe("lines and columns", () => {
  const lines = new Lines("one\r\ntwo\n\n\u{1f600}\u{1f600}x = 1");

  test.each([
    [0, 1, 1],
    [2, 1, 3],
    [5, 2, 1],
    [9, 3, 1],
    [10, 4, 1],
    [14, 4, 3],
  ])("offset %d is line %d, column %d: characters are counted, not UTF-16 units", (offset, line, column) => {
    expect(lines.position(offset)).toEqual({ line, column });
  });

  test("a line comes without its end", () => {
    expect([1, 2, 3, 4, 5].map((number) => lines.line(number))).toEqual([
      "one",
      "two",
      "",
      "\u{1f600}\u{1f600}x = 1",
      "",
    ]);
  });

  test("a span over several lines is underlined to the end of its first", () => {
    expect(new Lines("a = [\n1,\n]").locate({ offset: 4, length: 6 })).toEqual({ line: 1, column: 5, length: 1 });
  });
});

test("a path is written as TOML writes it", () => {
  expect(formatPath(["listen", "a", "server", 0, "weight"])).toBe("listen.a.server[0].weight");
  expect(formatPath(["listen", "a b", "bind"])).toBe('listen."a b".bind');
});
