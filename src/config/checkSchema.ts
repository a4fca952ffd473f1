import type { z } from "zod";
import { duration, either, flag, int, ipAddress, oneOf, table, tables, text, word } from "./keys.ts";
import type { Reading } from "./units.ts";

/** The `check` table of a listen or server: what is asked of a server, how often, and how often it must answer. */

/** HAProxy looks at 16 kB of an answer at most; a check that waits for more can never pass. */
const MAX_REPLY_BYTES = 16_384;

const MAX_INTERVAL_MS = 86_400_000;

const filled = (raw: string): Reading<string> =>
  raw === "" ? { ok: false, problem: "is empty", hint: "write at least one character" } : { ok: true, value: raw };

/** Lower-case hex of a string of hex digit pairs. */
function readHex(raw: string): Reading<string> {
  const bad = /[^0-9A-Fa-f]/.exec(raw);
  const hint = 'write two hex digits a byte, as in "504f4e47"';
  if (bad) return { ok: false, problem: `has "${bad[0]}" where a hex digit belongs`, hint };
  if (raw === "") return { ok: false, problem: "is empty", hint };
  if (raw.length % 2 === 1) return { ok: false, problem: "has an odd number of hex digits", hint };
  return { ok: true, value: raw.toLowerCase() };
}

/** A regular expression in JavaScript's dialect that compiles and can fail to match nothing at all. */
function readRegex(raw: string): Reading<string> {
  if (raw === "") return filled(raw);
  try {
    new RegExp(raw, "s");
    return { ok: true, value: raw };
  } catch (error) {
    // "Invalid regular expression: missing )" in Bun; only the reason is news to the reader.
    const reason = String((error as Error).message).replace(/^Invalid regular expression:\s*/, "");
    return {
      ok: false,
      problem: `is not a regular expression: ${reason}`,
      hint: "escape a special character with a backslash; in a TOML \"…\" string it is written twice, in '…' once",
    };
  }
}

const hex = { values: "pairs of hex digits", example: '"504f4e47"', pattern: "^([0-9A-Fa-f]{2})+$" };
const plain = { values: "text", example: '"PONG"' };

/** The comment of a step: shown in the log when it fails. */
const comment = () =>
  word(
    /^[^\p{Cc}]{1,80}$/u,
    { values: "up to 80 characters", example: '"greeting"', problem: "is not a comment that is safe in a log line" },
    "Said in the log line when this step fails.",
  ).optional();

const send = either(
  text((raw) => filled(raw), { values: "text", example: '"PING\\r\\n"' }, "The text to send."),
  table({ binary: text(readHex, hex, "The bytes to send, in hex.") }, "Bytes to send."),
  'What to send: text (TOML escapes such as \\r\\n work), or { binary = "hex" }.',
  "is neither text nor bytes",
  'write "TEXT" or { binary = "HEX" }',
);

const expect = either(
  text((raw) => filled(raw), plain, "The text that must appear in the answer."),
  table(
    {
      string: text((raw) => filled(raw), plain, "The text that must appear in the answer.").optional(),
      regex: text(
        readRegex,
        { values: "a JavaScript regular expression", example: '"^[+]PONG"' },
        "The expression that must match somewhere in the answer; . matches a newline too.",
      ).optional(),
      binary: text(readHex, hex, "The bytes that must appear in the answer, in hex.").optional(),
      negate: flag("true: the check fails when the pattern is found, HAProxy's `!`.").prefault(false),
      min_recv: int(0, MAX_REPLY_BYTES, "Bytes to wait for before the answer is judged.").prefault(0),
    },
    "A pattern with its options; exactly one of string, regex and binary.",
  ),
  "What the answer must contain: text, or one of { string = … }, { regex = … }, { binary = … }.",
  "is neither text nor a pattern",
  'write "TEXT", { regex = "…" } or { binary = "HEX" }',
);

/** One step of a scripted check: exactly one of connect, send and expect. */
const step = table(
  {
    connect: flag("true: opens a new connection for the steps that follow.").optional(),
    port: int(1, 65535, "With connect: the port, instead of the one that is checked.").optional(),
    send: send.optional(),
    expect: expect.optional(),
    comment: comment(),
  },
  "A step: exactly one of connect, send and expect.",
);

type SendInput = z.output<typeof send>;
type ExpectInput = z.output<typeof expect>;

/** One step of a health check, in the order of the file. */
export type CheckStep =
  | { readonly kind: "connect"; readonly port: number | null; readonly comment: string | null }
  | { readonly kind: "send"; readonly dataHex: string; readonly comment: string | null }
  | {
      readonly kind: "expect";
      readonly match: "string" | "regex" | "binary";
      /** The text, the source of the regular expression, or lower-case hex. */
      readonly pattern: string;
      readonly negate: boolean;
      /** Bytes to wait for before the answer is judged; 0: judge what is there. */
      readonly minRecv: number;
      readonly comment: string | null;
    };

function sendStep(raw: SendInput, said: string | null): CheckStep {
  const dataHex = typeof raw === "string" ? Buffer.from(raw, "utf8").toString("hex") : raw.binary;
  return { kind: "send", dataHex, comment: said };
}

function expectStep(raw: ExpectInput, said: string | null): CheckStep {
  const table = typeof raw === "string" ? { string: raw, negate: false, min_recv: 0 } : raw;
  const { negate, min_recv: minRecv } = table;
  const rest = { negate, minRecv, comment: said };
  if ("regex" in table && table.regex !== undefined)
    return { kind: "expect", match: "regex", pattern: table.regex, ...rest };
  if ("binary" in table && table.binary !== undefined) {
    return { kind: "expect", match: "binary", pattern: table.binary, ...rest };
  }
  return { kind: "expect", match: "string", pattern: table.string ?? "", ...rest };
}

function scriptStep(raw: z.output<typeof step>): CheckStep {
  const said = raw.comment ?? null;
  if (raw.send !== undefined) return sendStep(raw.send, said);
  if (raw.expect !== undefined) return expectStep(raw.expect, said);
  return { kind: "connect", port: raw.port ?? null, comment: said };
}

/** The keys of a check as written; `interval` and its like in milliseconds. */
export const checkSchema = table(
  {
    interval: duration(
      "Time from the end of one check to the start of the next while the state is steady and up.",
      10,
      MAX_INTERVAL_MS,
    ).prefault("2s"),
    fast_interval: duration("Interval while the state is changing; default: interval.", 10, MAX_INTERVAL_MS).optional(),
    down_interval: duration("Interval while the server is down; default: interval.", 10, MAX_INTERVAL_MS).optional(),
    rise: int(1, 100, "Checks that must pass in a row before a server that is down is up.").prefault(2),
    fall: int(1, 100, "Checks that must fail in a row before a server that is up is down.").prefault(3),
    timeout: duration(
      "Longest wait for the answer once connected; default: interval bounds the whole check.",
    ).optional(),
    send: send.optional(),
    expect: expect.optional(),
    step: tables(step, "A scripted check, instead of send and expect: steps in order.").optional(),
    port: int(1, 65535, "Port to check instead of the server's.").optional(),
    address: ipAddress("Address to check instead of the server's.").optional(),
    init_state: oneOf(
      ["up", "fully-up", "down", "fully-down"],
      "State before the first checks: up (one failure is enough to fall), fully-up (`fall` failures), down (one pass is enough to rise), fully-down (`rise` passes).",
    ).prefault("up"),
  },
  "Health checks of the servers; without send, expect or step a completed connection is enough.",
).transform((raw) => ({
  intervalMs: raw.interval,
  fastIntervalMs: raw.fast_interval ?? raw.interval,
  downIntervalMs: raw.down_interval ?? raw.interval,
  rise: raw.rise,
  fall: raw.fall,
  timeoutMs: raw.timeout ?? null,
  port: raw.port ?? null,
  address: raw.address ?? null,
  initState: raw.init_state,
  steps: raw.step?.map(scriptStep) ?? [
    ...(raw.send === undefined ? [] : [sendStep(raw.send, null)]),
    ...(raw.expect === undefined ? [] : [expectStep(raw.expect, null)]),
  ],
}));

/** `check = true`, `check = false`, or the table. */
export const checkSwitch = either(
  flag("true: check by connecting; false: no check."),
  checkSchema,
  "true, false, or a table with the keys of a check.",
  "is neither true, false nor a table",
  "write true, false, or a table with interval, rise, fall, …",
);
