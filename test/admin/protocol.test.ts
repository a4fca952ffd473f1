import { describe, expect, test } from "bun:test";
import { type AdminCommand, answer, LineReader, MAX_LINE_BYTES, splitCommands } from "../../src/admin/protocol.ts";
import { defaultAdminSocket } from "../../src/admin/socketPath.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const COMMANDS: AdminCommand[] = [
  { words: ["show", "one"], usage: "show one [<x>]", summary: "answer one", run: (args) => `one${args.join("+")}\n` },
  {
    words: ["show", "two"],
    usage: "show two",
    summary: "answer two",
    run: (args) => (args.length > 0 ? null : "two\nlines\n"),
  },
  { words: ["set", "x"], usage: "set x", summary: "say nothing", run: () => "" },
];

describe("a line", () => {
  test("ends with a newline, with or without a carriage return", () => {
    expect(new LineReader().push(bytes("show info\nmore"))).toEqual({ line: "show info" });
    expect(new LineReader().push(bytes("show info\r\n"))).toEqual({ line: "show info" });
    expect(new LineReader().push(bytes("\n"))).toEqual({ line: "" });
  });

  test("may come in any pieces, also within a character", () => {
    const whole = bytes("show é\r\n");
    for (let cut = 1; cut < whole.length; cut++) {
      const reader = new LineReader();
      expect(reader.push(whole.subarray(0, cut))).toBeNull();
      expect(reader.push(whole.subarray(cut))).toEqual({ line: "show é" });
    }
  });

  test("may be 16 KiB long and no byte longer", () => {
    const longest = "x".repeat(MAX_LINE_BYTES);
    expect(new LineReader().push(bytes(`${longest}\n`))).toEqual({ line: longest });
    expect(new LineReader().push(bytes(`${longest}y\n`))).toBe("too long");
    const reader = new LineReader();
    expect([reader.push(bytes(longest)), reader.push(bytes("y"))]).toEqual([null, "too long"]);
  });

  test("is what has come so far when the client ends", () => {
    const reader = new LineReader();
    expect(reader.rest()).toBeNull();
    reader.push(bytes("show info\r"));
    expect(reader.rest()).toBe("show info");
  });
});

describe("commands", () => {
  test("are parted by semicolons, words by blanks", () => {
    expect(splitCommands(" show  info;show\tstat -1 4 -1 ;")).toEqual([
      ["show", "info"],
      ["show", "stat", "-1", "4", "-1"],
      [],
    ]);
  });

  test("take a character behind a backslash as it is", () => {
    expect(splitCommands("a\\;b c\\ d \\\\e f\\")).toEqual([["a;b", "c d", "\\e", "f\\"]]);
  });

  test("are answered with an empty line at the end, even when there is nothing to say", () => {
    expect(answer(["show", "one", "a", "b"], COMMANDS)).toBe("onea+b\n\n");
    expect(answer(["show", "two"], COMMANDS)).toBe("two\nlines\n\n");
    expect(answer(["set", "x"], COMMANDS)).toBe("\n");
  });

  test("that nobody knows are answered in HAProxy's words: with what is like them, or with everything", () => {
    expect(answer(["show", "three"], COMMANDS)).toBe(
      [
        "Unknown command, but maybe one of the following ones is a better match:",
        "  show one [<x>]                          : answer one",
        "  show two                                : answer two",
        "  help [<command>]                        : list matching or all commands",
        "\n",
      ].join("\n"),
    );
    const everything = answer(["bogus"], COMMANDS) as string;
    expect(everything).toStartWith("Unknown command. Please enter one of the following commands only:\n  show one");
    expect(everything.trimEnd().split("\n")).toHaveLength(5);
    expect(answer([], COMMANDS)).toBe(everything);
  });

  test("with arguments that make no sense are unknown, too", () => {
    expect(answer(["show", "two", "x"], COMMANDS)).toContain("maybe one of the following");
  });

  test("are listed by help, all or those that match", () => {
    expect(answer(["help"], COMMANDS)).toStartWith(
      "The following commands are valid at this level:\n  show one [<x>]   ",
    );
    const matching = (answer(["help", "set"], COMMANDS) as string).trimEnd().split("\n").slice(1);
    expect(matching.map((line) => line.trim().split(" ")[0])).toEqual(["set", "help"]);
  });
});

test("lines made of anything are split and answered without harm", () => {
  const random = seeded(20261122);
  const alphabet = [
    "show",
    "one",
    "two",
    "help",
    ";",
    " ",
    "\\",
    "\0",
    "\r",
    "\t",
    "é",
    "\u2028",
    "-1",
    "%s",
    "__proto__",
    "\u001b[2J",
  ];
  for (let round = 0; round < 3000; round++) {
    const line = Array.from({ length: random(12) }, () => alphabet[random(alphabet.length)]).join("");
    const reader = new LineReader();
    const all = bytes(`${line}\n`);
    let read: ReturnType<LineReader["push"]> = null;
    for (let at = 0; read === null; ) {
      const size = 1 + random(5);
      read = reader.push(all.subarray(at, at + size));
      at += size;
    }
    expect(read).toEqual({ line: line.replace(/\r$/, "") });
    for (const words of splitCommands(line)) {
      expect(words).not.toContain("");
      const text = answer(words, COMMANDS) as string;
      expect(text.endsWith("\n")).toBeTrue();
      if (text !== "\n") expect(text.endsWith("\n\n")).toBeTrue();
    }
  }
});

/** Numbers from 0 to below n, the same in every run (a linear congruential generator). */
function seeded(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

test.each([
  [0, "/run/user/0", "/run/haproxy-lite/admin.sock"],
  [1000, "/run/user/1000", "/run/user/1000/haproxy-lite/admin.sock"],
  [1000, undefined, "/tmp/haproxy-lite-1000/admin.sock"],
  [1000, "", "/tmp/haproxy-lite-1000/admin.sock"],
])("user %d with runtime directory %s has the admin socket %s", (uid, runtimeDir, path) => {
  expect(defaultAdminSocket({ uid, runtimeDir })).toBe(path);
});
