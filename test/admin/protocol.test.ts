import { describe, expect, test } from "bun:test";
import type { AdminCommand } from "../../src/admin/command.ts";
import { refused, told } from "../../src/admin/command.ts";
import { sessionCommands } from "../../src/admin/commands/session.ts";
import { answer, LineReader, MAX_LINE_BYTES, splitCommands } from "../../src/admin/protocol.ts";
import { AdminSession } from "../../src/admin/session.ts";
import { markedCommand, readMarked } from "../../src/admin/severity.ts";
import { defaultAdminSocket } from "../../src/admin/socketPath.ts";
import { seeded } from "../support/random.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const command = (line: string, level: AdminCommand["level"], run: AdminCommand["run"]): AdminCommand => ({
  words: line.split(" "),
  usage: line,
  summary: `do ${line}`,
  level,
  run,
});
const OTHERS = [
  command("set x", "admin", () => ""),
  command("set y", "operator", () => refused("No such y.")),
  command("show one", "user", (args) => `one${args.join("+")}\n`),
  command("show two", "user", (args) => (args.length > 0 ? null : "two\nlines\n")),
  command("show three", "user", () => told("three")),
];
const COMMANDS = [...OTHERS, ...sessionCommands(OTHERS)];
const LISTED = COMMANDS.filter(({ usage }) => usage !== "");

/** A reader that was given these pieces, one after the other. */
function reading(...pieces: (string | Uint8Array)[]): LineReader {
  const reader = new LineReader();
  for (const piece of pieces) reader.push(typeof piece === "string" ? bytes(piece) : piece);
  return reader;
}

/** Everything that a client hears who says these lines, one after the other. */
function talk(...lines: string[]): string {
  const session = new AdminSession();
  const said = lines.flatMap(splitCommands).map((words) => answer(words, COMMANDS, session) as string);
  return said.join("");
}

describe("a line", () => {
  test("ends with a newline, with or without a carriage return", () => {
    expect(reading("show info\nmore").line()).toEqual({ line: "show info" });
    expect(reading("show info\r\n").line()).toEqual({ line: "show info" });
    expect(reading("\n").line()).toEqual({ line: "" });
    expect(reading("show info").line()).toBeNull();
  });

  test("may come in any pieces, also within a character, and with others", () => {
    const whole = bytes("show é\r\nb\n\nc");
    for (let cut = 1; cut < whole.length; cut++) {
      const reader = reading(whole.subarray(0, cut), whole.subarray(cut));
      expect([reader.line(), reader.line(), reader.line(), reader.line(), reader.rest()]).toEqual([
        { line: "show é" },
        { line: "b" },
        { line: "" },
        null,
        "c",
      ]);
    }
  });

  test("is there as soon as its last piece is", () => {
    const reader = new LineReader();
    for (const [piece, line] of [
      ["a", null],
      ["b", null],
      ["c\nd", { line: "abc" }],
      ["e\n", { line: "de" }],
    ] as const) {
      reader.push(bytes(piece));
      expect(reader.line()).toEqual(line);
    }
    expect([reader.bytes, reader.line()]).toEqual([0, null]);
  });

  test("may be 16 KiB long and no byte longer", () => {
    const longest = "x".repeat(MAX_LINE_BYTES);
    expect(reading(`${longest}\n`).line()).toEqual({ line: longest });
    expect(reading(`${longest}y\n`).line()).toBe("too long");
    expect(reading(longest).line()).toBeNull();
    expect(reading(longest, "y").line()).toBe("too long");
    const second = reading(`a\n${longest}\n`);
    expect([second.line(), second.line()]).toEqual([{ line: "a" }, { line: longest }]);
  });

  test("is what has come so far when the client ends", () => {
    expect(new LineReader().rest()).toBeNull();
    expect(reading("show info\r").rest()).toBe("show info");
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
    expect(talk("show one a b")).toBe("onea+b\n\n");
    expect(talk("show two")).toBe("two\nlines\n\n");
    expect(talk("set x")).toBe("\n");
    expect(talk("set y")).toBe("No such y.\n\n");
  });

  test("that nobody knows are answered in HAProxy's words: with what is like them, or with everything", () => {
    expect(talk("show four")).toBe(
      [
        "Unknown command, but maybe one of the following ones is a better match:",
        "  show one                                : do show one",
        "  show two                                : do show two",
        "  show three                              : do show three",
        "  show cli level                          : display the level of the current CLI session",
        "  help [<command>]                        : list matching or all commands",
        "  prompt                                  : toggle interactive mode with prompt",
        "  quit                                    : disconnect",
        "\n",
      ].join("\n"),
    );
    const everything = talk("bogus");
    expect(everything).toStartWith("Unknown command. Please enter one of the following commands only:\n  set x");
    expect(everything.trimEnd().split("\n")).toHaveLength(1 + LISTED.length);
    expect(talk("")).toBe(everything);
  });

  test("with arguments that make no sense are unknown, too", () => {
    expect(talk("show two x")).toContain("maybe one of the following");
  });

  test("are listed by help, all or those that match, as far as the client may give them", () => {
    const listed = (text: string): string[] =>
      text.split("\n").flatMap((line) => /^ {2}(.*?) *: /.exec(line)?.[1] ?? []);
    expect(talk("help")).toStartWith("The following commands are valid at this level:\n  operator   ");
    expect(listed(talk("help"))).toHaveLength(LISTED.length);
    expect(talk("experimental-mode on;expert-mode on")).toBe("\n\n");
    const last = ["help [<command>]", "prompt", "quit"];
    expect(listed(talk("help sh o"))).toEqual(["show one", ...last]);
    expect(listed(talk("help set x 5"))).toEqual(["set x", ...last]);
    expect(listed(talk("help nosuch"))).toEqual(last);
    expect(listed(talk("operator;help set"))).toEqual([
      "set severity-output [none|number|string]",
      "set timeout [cli] <delay>",
      "set y",
      ...last,
    ]);
  });
});

describe("a session", () => {
  test("may do what its level allows, which it can lower and not raise", () => {
    expect(talk("user;show cli level;set x;set y;operator;show one")).toBe(
      ["", "user\n", "Permission denied\n", "Permission denied\n", "Permission denied\n", "one\n"]
        .join("\n")
        .concat("\n"),
    );
    expect(talk("operator;show cli level;set x;set y;operator")).toBe(
      "\noperator\n\nPermission denied\n\nNo such y.\n\n\n",
    );
  });

  test("shows a prompt when it is asked to, until it is asked again", () => {
    expect(talk("prompt", "set x", "set y;show one", "prompt", "set x")).toBe("\n> \n> No such y.\n\n> one\n\n> \n\n");
  });

  test("marks messages, not data, with their severity when it is asked to", () => {
    expect(talk("set severity-output number;set y;show one;show three;user;set x")).toBe(
      "\n[3]: No such y.\n\none\n\n[6]: three\n\n\n[3]: Permission denied\n\n",
    );
    expect(talk("set severity-output string;set y;set severity-output none;set y")).toBe(
      "\n[err]: No such y.\n\n\nNo such y.\n\n",
    );
    for (const line of ["set severity-output bogus", "set severity-output"])
      expect(talk(line)).toBe("one of 'none', 'number', 'string' is a required argument\n\n");
  });

  test("says nothing more once it has said quit", () => {
    expect(talk("show one;quit;show one")).toBe("one\n\n");
  });

  test.each([
    ["set timeout cli 60", "", 60_000],
    ["set timeout cli 99999999", "", 2_147_483_000],
    ["set timeout cli", "Expects an integer value.\n", null],
    ["set timeout cli abc", "Invalid timeout value.\n", null],
    ["set timeout cli 0", "Invalid timeout value.\n", null],
    ["set timeout foo 3", "'set timeout' only supports 'cli'.\n", null],
    ["set timeout", "'set timeout' only supports 'cli'.\n", null],
  ])("that says %j hears %j", (line, said, idleMs) => {
    const session = new AdminSession();
    expect(answer(line.split(" "), COMMANDS, session)).toBe(`${said}\n`);
    expect(session.idleMs).toBe(idleMs);
  });
});

test("who asks for marks can tell a refusal from an answer", () => {
  const ask = (line: string): ReturnType<typeof readMarked> => readMarked(talk(markedCommand(line)));
  expect(ask("set x")).toEqual({ text: "\n", refused: false });
  expect(ask("show three")).toEqual({ text: "three\n\n", refused: false });
  expect(ask("show two;set y")).toEqual({ text: "two\nlines\n\nNo such y.\n\n", refused: true });
  expect(ask("bogus").refused).toBe(true);
  expect(ask("help").refused).toBe(false);
});

test("lines made of anything are split and answered without harm", () => {
  const random = seeded(20261122);
  const alphabet = ["show", "one", "two", "help", ";", " ", "\\", "\0", "\r", "\t", "é", "\u2028", "-1", "%s"];
  alphabet.push("__proto__", "\u001b[2J", "prompt", "set severity-output number", "operator");
  for (let round = 0; round < 3000; round++) {
    const line = Array.from({ length: random(12) }, () => alphabet[random(alphabet.length)]).join("");
    const reader = new LineReader();
    const all = bytes(`${line}\n`);
    let read: ReturnType<LineReader["line"]> = null;
    for (let at = 0; read === null; ) {
      const size = 1 + random(5);
      reader.push(all.subarray(at, at + size));
      read = reader.line();
      at += size;
    }
    expect(read).toEqual({ line: line.replace(/\r$/, "") });
    const session = new AdminSession();
    for (const words of splitCommands(line)) {
      expect(words).not.toContain("");
      const text = answer(words, COMMANDS, session) as string;
      expect(text).toMatch(/(^|\n)\n(> )?$/);
    }
  }
});

test.each([
  [0, "/run/user/0", "/run/haproxy-lite/admin.sock"],
  [1000, "/run/user/1000", "/run/user/1000/haproxy-lite/admin.sock"],
  [1000, undefined, "/tmp/haproxy-lite-1000/admin.sock"],
  [1000, "", "/tmp/haproxy-lite-1000/admin.sock"],
])("user %d with runtime directory %s has the admin socket %s", (uid, runtimeDir, path) => {
  expect(defaultAdminSocket({ uid, runtimeDir })).toBe(path);
});
