import { describe, expect, test } from "bun:test";
import { bytesText, gauge, rateText, sparkline } from "../../../src/cli/watch/bars.ts";
import { difference } from "../../../src/cli/watch/frame.ts";
import { paint } from "../../../src/cli/watch/lines.ts";

const COLOURED = { colour: true, unicode: true };
const PLAIN = { colour: false, unicode: true };

describe("a line", () => {
  test("has the looks of its pieces, and colour only where that is welcome", () => {
    const line = { spans: [{ text: "a " }, { text: "UP", tone: "green" as const }, { text: " b", bold: true }] };
    expect(paint(line, 80, COLOURED)).toBe("a \u001b[32mUP\u001b[0m\u001b[1m b\u001b[0m");
    expect(paint(line, 80, PLAIN)).toBe("a UP\u001b[1m b\u001b[0m");
  });

  test("that is chosen is so up to the right edge", () => {
    expect(paint({ spans: [{ text: "ab" }], whole: { reverse: true } }, 4, PLAIN)).toBe(
      "\u001b[7mab\u001b[0m\u001b[7m  \u001b[0m",
    );
  });

  test.each([
    ["abcdef", 4, "abc…"],
    ["安宁哈尔", 5, "安宁…"],
    ["安宁哈尔", 4, "安…"],
    ["😀😀", 3, "😀…"],
    ["ab", 1, "…"],
    ["ab", 0, ""],
  ])("%j in %i columns is %j", (text, columns, shown) => {
    expect(paint({ spans: [{ text }] }, columns, PLAIN)).toBe(shown);
  });

  test("lets nothing through that speaks to the terminal", () => {
    const evil = "a\u001b[2J\r\n\u009b2J\u0007\u202eb\u0000";
    expect(paint({ spans: [{ text: evil }] }, 80, PLAIN)).toBe("a?[2J???2J??b?");
  });

  test("is ASCII where the locale has no other characters", () => {
    const line = { spans: [{ text: "─ … é安 ok" }] };
    expect(paint(line, 80, { colour: false, unicode: false })).toBe("- ~ ??? ok");
  });
});

describe("a frame", () => {
  test("is drawn whole at first", () => {
    expect(difference(null, ["a", ""])).toBe("\u001b[0m\u001b[2J\u001b[1;1H\u001b[2Ka\u001b[2;1H\u001b[2K");
  });

  test("writes only the rows that have changed", () => {
    expect(difference(["a", "b", "c"], ["a", "x", "c"])).toBe("\u001b[2;1H\u001b[2Kx");
    expect(difference(["a", "b"], ["a", "b"])).toBe("");
  });

  test("that is shorter leaves nothing of the one before it", () => {
    expect(difference(["a", "b", "c"], ["a"])).toBe("\u001b[2;1H\u001b[J");
  });
});

describe("bars", () => {
  test("a chart's highest sample is full height, the latest at its right", () => {
    expect(sparkline([0, 50, 100], 5, true)).toBe("  ▁▅█");
    expect(sparkline([1, 2, 3, 4, 100], 2, true)).toBe("▁█");
    expect(sparkline([0, 0], 2, true)).toBe("▁▁");
    expect(sparkline([], 3, true)).toBe("   ");
    expect(sparkline([0, 4, 7], 3, false)).toBe("_=#");
  });

  test.each([
    [0, 100, "▕    ▏"],
    [1, 100_000, "▕▏   ▏"],
    [50, 100, "▕██  ▏"],
    [100, 100, "▕████▏"],
    [500, 100, "▕████▏"],
    [5, 0, "▕    ▏"],
  ])("%i of %i is %s", (value, limit, shown) => {
    expect(gauge(value, limit, 4, true)).toBe(shown);
    expect(Bun.stringWidth(gauge(value, limit, 4, false))).toBe(6);
  });

  test("rates are short, and unknown ones are not 0", () => {
    expect([null, 0, 0.25, 3, 9.96, 1234, 1_500_000].map(rateText)).toEqual([
      "-",
      "0",
      "0.3",
      "3",
      "10",
      "1234",
      "1.5M",
    ]);
    expect([null, 0, 2048].map(bytesText)).toEqual(["-", "0", "2.0K"]);
  });
});
