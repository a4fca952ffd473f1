import type { Ledger } from "../ledger.ts";
import { lookUp, type Statement, texts, wordAt } from "../source.ts";
import type { TomlValue } from "../toml.ts";
import { readInt } from "../units.ts";
import type { Settings } from "./settings.ts";

/** What is asked of a server, as keys of a check, and where that comes from. */
export interface CheckScript {
  readonly keys: ReadonlyMap<string, TomlValue>;
  readonly statements: readonly Statement[];
  /** What the steps stand for, as a comment; "" when they were steps before. */
  readonly comment: string;
}

type Step = { [key: string]: TomlValue };

const hex = (bytes: string | Buffer) =>
  (typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes).toString("hex");

/** Reads `option …check` and the tcp-check rules of a backend. */
export function readCheck(settings: Settings, ledger: Ledger): CheckScript {
  const kind = settings.values.checkKind;
  for (const { from } of settings.httpChecks) {
    ledger.leftOut(from, "an answer of HTTP is judged by its status line only", "a check with send and expect");
  }
  if (kind === undefined || kind.value[0] === "tcp-check") {
    const used = kind !== undefined && settings.tcpChecks.length > 0;
    if (!used) {
      for (const { from } of settings.tcpChecks) ledger.mark(from.line, "default");
      if (kind !== undefined) ledger.mark(kind.from.line, "default");
      return { keys: new Map(), statements: [], comment: "" };
    }
    return tcpCheck(kind.from, settings, ledger);
  }
  const [name = "", ...args] = kind.value;
  const steps = protocolSteps(name, args);
  if (steps === null) {
    const why = name === "external-check" ? "servers are not checked by a program" : "this protocol is not spoken here";
    ledger.partLeftOut({ line: kind.from.line }, `${why}: a completed connection counts`, "check with send and expect");
    return { keys: new Map(), statements: [], comment: "" };
  }
  ledger.differs(
    { line: kind.from.line },
    `${name} is carried over as steps: the log shows those, not ${name}'s own words`,
  );
  return {
    keys: stepKeys(steps),
    statements: [kind.from],
    comment: `the conversation of HAProxy's ${kind.value.join(" ")}`,
  };
}

/** The bytes that HAProxy exchanges for its built-in checks; null: not known here. */
function protocolSteps(name: string, args: readonly string[]): Step[] | null {
  const greeting: Step = { expect: { regex: "^.{4}[^\\xff]", min_recv: 5 } };
  switch (name) {
    case "redis-check":
      return [{ send: "*1\r\n$4\r\nPING\r\n" }, { expect: "+PONG\r\n" }];
    case "smtpchk": {
      const [helo = "HELO", domain = "localhost"] = args;
      const answered: Step = { expect: { regex: "(^|\\n)2[0-9][0-9][ \\r]" } };
      return [answered, { send: `${helo} ${domain}\r\n` }, answered, { send: "QUIT\r\n" }, answered];
    }
    case "mysql-check": {
      const user = args[0] === "user" ? args[1] : undefined;
      if (user === undefined) return [greeting];
      const old = args[2] === "pre-41";
      const login = old
        ? `\x00\x80\x00\x00\x01${user}\x00\x00`
        : `\x00\x82\x00\x00\x00\x80\x00\x01!${"\0".repeat(23)}${user}\x00\x00`;
      const packet = `${String.fromCharCode(login.length & 255, login.length >> 8, 0)}\x01${login}\x01\x00\x00\x00\x01`;
      return [{ send: { binary: hex(packet) } }, greeting, { expect: { regex: "\\x00\\x00\\x02[^\\xff]" } }];
    }
    case "pgsql-check": {
      const user = args[0] === "user" ? (args[1] ?? "") : "";
      const body = `\x00\x03\x00\x00user\x00${user}\x00\x00`;
      const packet = `\x00\x00\x00${String.fromCharCode(body.length + 4)}${body}`;
      return [{ send: { binary: hex(packet) } }, { expect: { regex: "^R\\x00\\x00\\x00", min_recv: 9 } }];
    }
    case "ldap-check":
      return [{ send: { binary: "300c020101600702010304008000" } }, { expect: { regex: "^0.*a.*\\n\\x01\\x00" } }];
    case "httpchk": {
      const [method, uri, version] = args.length < 2 ? ["OPTIONS", args[0] ?? "/", undefined] : args;
      const request = `${method} ${uri} ${version ?? "HTTP/1.0"}\r\n\r\n`;
      return [{ send: request }, { expect: { regex: "^HTTP/1\\.[0-9] [23]" } }];
    }
    default:
      return null;
  }
}

function tcpCheck(option: Statement, settings: Settings, ledger: Ledger): CheckScript {
  const steps: Step[] = [];
  const statements: Statement[] = [];
  for (const { from } of settings.tcpChecks) {
    const step = readRule(from, ledger);
    if (step === null) continue;
    steps.push(step);
    statements.push(from);
  }
  if (statements.length === 0) return { keys: new Map(), statements: [], comment: "" };
  if (steps.some((step) => "expect" in step)) {
    ledger.differs(
      { line: option.line },
      "an answer without what is expected fails once the server pauses; HAProxy waits for the whole timeout",
    );
  }
  return { keys: stepKeys(steps), statements: [option, ...statements], comment: "" };
}

/** `send` and `expect` where they are enough, else steps. */
function stepKeys(steps: readonly Step[]): Map<string, TomlValue> {
  const [first = {}, second] = steps;
  const isSend = "send" in first && !("comment" in first);
  const isExpect = (step: Step) => "expect" in step && !("comment" in step);
  if (steps.length === 1 && isSend) return new Map([["send", first.send as TomlValue]]);
  if (steps.length === 1 && isExpect(first)) return new Map([["expect", first.expect as TomlValue]]);
  if (steps.length === 2 && isSend && second !== undefined && isExpect(second)) {
    return new Map([
      ["send", first.send as TomlValue],
      ["expect", second.expect as TomlValue],
    ]);
  }
  return new Map([["step", [...steps]]]);
}

/** One tcp-check rule as a step; null: it is not carried over. */
function readRule(statement: Statement, ledger: Ledger): Step | null {
  const words = texts(statement, 2);
  const comment = takeComment(words);
  const said = comment === null ? {} : { comment: comment.slice(0, 80).replace(/[\p{Cc}]/gu, " ") };
  const no = (why: string): null => {
    ledger.leftOut(statement, why, "a [[….check.step]] with connect, send or expect");
    return null;
  };
  switch (wordAt(statement, 1)) {
    case "connect":
      return connectStep(statement, words, said, ledger);
    case "send": {
      const [text = ""] = words;
      if (text === "") return no("there is nothing to send");
      return { send: isPlain(text) ? text : { binary: hex(text) }, ...said };
    }
    case "send-lf": {
      if ((words[0] ?? "") === "" || words[0]?.includes("%")) return no("what is sent cannot have variables");
      return { send: words[0] as string, ...said };
    }
    case "send-binary": {
      const [bytes = ""] = words;
      return isHex(bytes)
        ? { send: { binary: bytes.toLowerCase() }, ...said }
        : no(`"${bytes}" is not pairs of hex digits`);
    }
    case "expect":
      return expectStep(statement, words, said, no, ledger);
    case "comment":
      ledger.mark(statement.line, "default");
      return null;
    default:
      return no("there is no such step");
  }
}

/** Takes `comment TEXT` out of the words of a rule. */
function takeComment(words: string[]): string | null {
  const at = words.indexOf("comment");
  if (at < 0 || at === words.length - 1) return null;
  return words.splice(at, 2)[1] ?? null;
}

function connectStep(statement: Statement, words: readonly string[], said: Step, ledger: Ledger): Step {
  const at = words.indexOf("port");
  const port = at < 0 ? null : readInt(words[at + 1] ?? "");
  const others = words.filter((_, index) => at < 0 || (index !== at && index !== at + 1));
  if (others.some((word) => word !== "default" && word !== "linger")) {
    ledger.partLeftOut(
      { line: statement.line },
      `a step connects without ${others.join(" ")}`,
      "check_address of the server",
    );
  }
  return port === null || port < 1 || port > 65535 ? { connect: true, ...said } : { connect: true, port, ...said };
}

/** Words before the pattern that take an argument. */
const EXPECT_OPTIONS = new Set(["ok-status", "error-status", "tout-status", "on-success", "on-error", "status-code"]);

function expectStep(
  statement: Statement,
  words: readonly string[],
  said: Step,
  no: (why: string) => null,
  ledger: Ledger,
): Step | null {
  const expect: Step = {};
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at] as string;
    if (word === "min-recv") {
      const least = readInt(words[++at] ?? "") ?? 0;
      if (least > 0) expect.min_recv = Math.min(least, 16_384);
    } else if (EXPECT_OPTIONS.has(word)) {
      const named = { text: word, column: statement.words[at + 2]?.column ?? 1 };
      ledger.partLeftOut({ line: statement.line, word: named }, `${word} is not known: status and text are fixed`);
      at++;
    } else break;
  }
  let negate = words[at] === "!";
  if (negate) at++;
  let kind = words[at] ?? "";
  if (kind.startsWith("!")) {
    negate = true;
    kind = kind.slice(1);
  }
  // HAProxy takes the next word alone; the older ones took a blank escaped.
  const pattern = words[at + 1] ?? "";
  const match = expectMatch(kind, pattern);
  if (typeof match === "string") return no(match);
  Object.assign(expect, match, negate ? { negate: true } : {});
  const [only] = Object.keys(expect);
  return { expect: Object.keys(expect).length === 1 && only === "string" ? pattern : expect, ...said };
}

/** The key that says what to look for, or why there is none. */
function expectMatch(kind: string, pattern: string): Step | string {
  if (pattern === "") return "there is nothing to expect";
  switch (kind) {
    case "string":
      return isPlain(pattern) ? { string: pattern } : { binary: hex(pattern) };
    case "binary":
      return isHex(pattern) ? { binary: pattern.toLowerCase() } : `"${pattern}" is not pairs of hex digits`;
    case "rstring":
      return regex(pattern);
    case "rbinary": {
      const simple = /^(\^?)((?:[0-9A-Fa-f]{2})+)(\$?)$/.exec(pattern);
      if (simple === null) return "an expression over hex digits has no counterpart";
      const [, start, digits = "", end] = simple;
      return { regex: `${start}${digits.replace(/../g, (pair) => `\\x${pair.toLowerCase()}`)}${end}` };
    }
    default:
      return kind.endsWith("-lf") ? "what is expected cannot have variables" : `nothing is known of "${kind}" here`;
  }
}

/** A POSIX or PCRE expression that JavaScript takes as well. */
function regex(pattern: string): Step | string {
  const classes: Readonly<Record<string, string>> = {
    alpha: "A-Za-z",
    digit: "0-9",
    alnum: "A-Za-z0-9",
    space: "\\s",
    upper: "A-Z",
    lower: "a-z",
    xdigit: "0-9A-Fa-f",
  };
  const ours = pattern
    .replace(/\[:([a-z]+):\]/g, (whole, name: string) => lookUp(classes, name) ?? whole)
    .replace(/[\r\n\t]/g, (char) => (char === "\r" ? "\\r" : char === "\n" ? "\\n" : "\\t"));
  if (/\(\?[imsx#>]|\(\?P|\\[AZzGQEhHK]|[*+?}]\+/.test(ours)) return "this expression is of Perl's kind alone";
  try {
    new RegExp(ours, "s");
  } catch {
    return "JavaScript takes no such expression";
  }
  return { regex: ours };
}

function isHex(text: string): boolean {
  return /^([0-9A-Fa-f]{2})+$/.test(text);
}

/** Text that means the same bytes in our file: beyond ASCII, HAProxy has bytes and we have UTF-8. */
function isPlain(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: bytes of a protocol
  return /^[\x01-\x7f]*$/.test(text) || !/[\u0080-\u00ff]/.test(text);
}
