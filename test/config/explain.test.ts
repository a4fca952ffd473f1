import { describe, expect, test } from "bun:test";
import { countIssues, explain } from "../../src/config/explain.ts";
import { fileIssue, type Issue } from "../../src/config/issue.ts";

function issue(parts: Partial<Issue>): Issue {
  return {
    severity: "error",
    line: 1,
    column: 1,
    length: 1,
    path: "a",
    found: null,
    message: "is wrong",
    hint: "mend it",
    ...parts,
  };
}

function lines(issues: readonly Issue[], text: string, colour = false): string[] {
  return explain(issues, { path: "f.toml", text }, { colour }).split("\n");
}

describe("an explanation", () => {
  test("is place, severity, path, what is wrong and what to do, with the line and a caret", () => {
    expect(lines([issue({ line: 2, column: 5, length: 3 })], "x\na = 123 # no\n")).toEqual([
      "f.toml:2:5: error: a: is wrong; mend it",
      "    2 | a = 123 # no",
      "      |     ^^^",
      "",
    ]);
  });

  test("of the file as a whole has no line", () => {
    expect(lines([fileIssue("is wrong", "")], "x")).toEqual(["f.toml: error: is wrong", ""]);
  });

  test("keeps the caret under its place behind tabs and wide characters", () => {
    expect(lines([issue({ column: 4 })], "\ta\t= 1")[2]).toBe("      | \t \t^");
    expect(lines([issue({ column: 6, length: 2 })], '"漢字" = 12')[2]).toBe("      |        ^^");
  });

  test("shows a part of a long line, with the place in it", () => {
    const [, source = "", caret = ""] = lines(
      [issue({ column: 501, length: 4 })],
      `${"x".repeat(500)}HERE${"y".repeat(500)}`,
    );
    expect(source.length).toBeLessThan(130);
    expect(source.slice(caret.indexOf("^"), caret.lastIndexOf("^") + 1)).toBe("HERE");
    expect(source).toStartWith("    1 | …x");
    expect(source).toEndWith("y…");
  });

  test("underlines no more than it shows", () => {
    const [, source = "", caret = ""] = lines([issue({ column: 1, length: 5000 })], "x".repeat(5000));
    expect(caret.length).toBeLessThanOrEqual(source.length);
  });

  test("lets no control character of the file reach the terminal", () => {
    const said = lines(
      [issue({ path: "\u001b[2J", message: "\u0007", hint: "\u009b", column: 2 })],
      "a\u001b[31m\u202eb",
    ).join("");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(said).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/);
  });

  test("is the same in colour, once the colours are taken away", () => {
    const issues = [issue({ column: 2 }), issue({ severity: "warning" }), fileIssue("is wrong", "mend it")];
    const coloured = lines(issues, "abc", true).join("\n");
    expect(coloured).toContain("\u001b[31merror\u001b[0m");
    expect(Bun.stripANSI(coloured)).toBe(lines(issues, "abc").join("\n"));
  });
});

test("issues are counted by severity", () => {
  const [error, warning] = [issue({}), issue({ severity: "warning" })];
  expect(countIssues([])).toBe("");
  expect(countIssues([error])).toBe("1 error");
  expect(countIssues([warning, error, error])).toBe("2 errors, 1 warning");
});
