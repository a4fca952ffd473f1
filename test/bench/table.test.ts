import { expect, test } from "bun:test";
import { formatNumber, renderTable } from "./table.ts";

test("a table is Markdown whose columns line up, numbers to the right", () => {
  expect(
    renderTable(
      ["", "haproxy", "x"],
      [
        ["requests/s", "1,234", "1"],
        ["p99", "5", "22.50"],
      ],
    ),
  ).toBe(
    [
      "|            | haproxy |     x |",
      "|:-----------|--------:|------:|",
      "| requests/s |   1,234 |     1 |",
      "| p99        |       5 | 22.50 |",
    ].join("\n"),
  );
});

test("a row that is too short is filled up with empty cells", () => {
  expect(
    renderTable(["a", "b"], [["1"]])
      .split("\n")
      .at(-1),
  ).toBe("| 1   |     |");
});

test("numbers have commas between thousands and the decimals asked for", () => {
  expect(formatNumber(1234567.891, 1)).toBe("1,234,567.9");
  expect(formatNumber(2, 2)).toBe("2.00");
});
