import * as z from "zod";
import { type Endpoint, type EndpointRules, ipVersion, parseEndpoint } from "../core/endpoint.ts";
import { suggest } from "./suggest.ts";
import { DURATION_PATTERN, formatDuration, MAX_DURATION_MS, type Reading, readDuration } from "./units.ts";

// The compiled binary forbids code from strings, so zod must not even try to generate its parsers.
z.config({ jitless: true });

/**
 * Builders for the keys of the schema. Each declares a key's type, range and help line once; the JSON Schema, the
 * reference page and the messages read them from the zod object. A zod message made here is "PROBLEM\nHINT": the
 * problem finishes the sentence that begins with the value found.
 */

const NAME = /^[A-Za-z0-9_.:-]{1,64}$/;
const NAME_SHAPE = {
  values: "letters, digits and - _ . : (up to 64)",
  example: '"web_01"',
  problem: "is not a name that is safe in a log line",
};

/** One zod message that carries a problem and a hint; `splitSaying` takes it apart. */
export function saying(problem: string, hint: string): string {
  return `${problem}\n${hint}`;
}

/** The problem and the hint of a message made by `saying`. */
export function splitSaying(message: string): { problem: string; hint: string } {
  const at = message.indexOf("\n");
  return at < 0 ? { problem: message, hint: "" } : { problem: message.slice(0, at), hint: message.slice(at + 1) };
}

/** What the reference page says about a key next to its default; `values` is its range in words. */
function about(help: string, values: string): { description: string; "x-values": string } {
  return { description: help, "x-values": values };
}

/** A whole number, min..max. */
export function int(min: number, max: number, help: string): z.ZodInt {
  const error = (issue: { readonly input?: unknown }) => intSaying(issue.input, min, max);
  return z
    .int({ error })
    .min(min, { error })
    .max(max, { error })
    .meta(about(help, `${min}..${max}`));
}

function intSaying(input: unknown, min: number, max: number): string {
  const hint = `write a whole number, ${min}..${max}`;
  if (typeof input === "string" && /^-?[0-9]+$/.test(input)) {
    const fits = Number(input) >= min && Number(input) <= max;
    return saying("is text, not a number", fits ? `write ${Number(input)} without quotes` : hint);
  }
  if (typeof input === "bigint") return saying("is out of range", hint);
  if (typeof input !== "number") return saying("is not a number", hint);
  if (!Number.isInteger(input)) return saying("is not a whole number", hint);
  if (input < 0 && min >= 0) return saying("is negative", hint);
  return saying(input < min ? "is too small" : "is too large", hint);
}

/** true or false. */
export function flag(help: string): z.ZodBoolean {
  const yes = new Set<unknown>(["true", "yes", "on", "1", 1]);
  const no = new Set<unknown>(["false", "no", "off", "0", 0]);
  const error = ({ input }: { readonly input?: unknown }) => {
    const value = typeof input === "string" ? input.toLowerCase() : input;
    const hint = yes.has(value) ? "write true, without quotes" : no.has(value) ? "write false, without quotes" : null;
    return saying("is not true or false", hint ?? "write true or false, without quotes");
  };
  return z.boolean({ error }).meta(about(help, "true, false"));
}

/** One of a few words. */
export function oneOf<const W extends readonly [string, ...string[]]>(
  words: W,
  help: string,
): z.ZodEnum<{ [K in W[number]]: K }> {
  const list = words.map((word) => `"${word}"`).join(", ");
  const error = ({ input }: { readonly input?: unknown }) => {
    const near = typeof input === "string" ? suggest(input, words) : null;
    return saying(
      "is not one of the values known here",
      near === null
        ? `write ${words.length > 1 ? "one of " : ""}${list}`
        : `did you mean "${near}"?${words.length > 8 ? "" : ` Known are ${list}`}`,
    );
  };
  return z.enum(words, { error }).meta(about(help, list)) as z.ZodEnum<{ [K in W[number]]: K }>;
}

/** One of a few numbers. */
export function oneOfNumbers<const N extends readonly [number, ...number[]]>(numbers: N, help: string) {
  const values = numbers.join(", ");
  const error = () => saying(`is not ${numbers.join(" or ")}`, `write ${numbers.join(" or ")}, without quotes`);
  return z.literal(numbers, { error }).meta(about(help, values));
}

/** How a string key looks, for people and editors. */
export interface TextShape {
  /** Its values in words, "write VALUES". */
  readonly values: string;
  /** One of them as TOML. */
  readonly example: string;
  /** The regular expression that the JSON Schema gives to editors. */
  readonly pattern?: string;
}

/**
 * A string that `read` turns into the value the program uses.
 * @param bare what to say of a value that is no string; by default that it must be quoted
 */
export function text<T>(
  read: (raw: string) => Reading<T>,
  shape: TextShape,
  help: string,
  bare?: (raw: unknown) => Reading<unknown>,
): z.ZodPipe<z.ZodString, z.ZodTransform<T, string>> {
  const pattern = shape.pattern === undefined ? {} : { pattern: shape.pattern };
  const error = ({ input }: { readonly input?: unknown }) => {
    const reading = bare?.(input);
    if (reading !== undefined && !reading.ok) return saying(reading.problem, reading.hint);
    return saying("is not text in quotes", `write ${shape.values}, as in ${shape.example}`);
  };
  return z
    .string({ error })
    .meta({ ...about(help, shape.values), ...pattern })
    .transform((raw, context) => taken(read(raw), context, raw));
}

/** Makes a reading the result of a zod transform, a failed one its issue. */
function taken<T>(reading: Reading<T>, context: z.RefinementCtx, input: unknown): T {
  if (reading.ok) return reading.value;
  context.addIssue({ code: "custom", message: saying(reading.problem, reading.hint), input });
  return z.NEVER;
}

/** A string that must match a pattern, taken as it stands. */
export function word(
  pattern: RegExp,
  shape: TextShape & { readonly problem: string },
  help: string,
): z.ZodPipe<z.ZodString, z.ZodTransform<string, string>> {
  const read = (raw: string): Reading<string> =>
    pattern.test(raw)
      ? { ok: true, value: raw }
      : { ok: false, problem: shape.problem, hint: `write ${shape.values}, as in ${shape.example}` };
  return text(read, { ...shape, pattern: pattern.source }, help);
}

/**
 * A duration string; the value is in milliseconds.
 * @param stepMs the value must be a multiple of this, where the kernel or a packet counts in coarser units
 */
export function duration(help: string, minMs = 1, maxMs = MAX_DURATION_MS, stepMs = 1) {
  const read = (raw: unknown): Reading<number> => {
    const reading = readDuration(raw, minMs, maxMs);
    if (!reading.ok || reading.value % stepMs === 0) return reading;
    return { ok: false, problem: `is not a multiple of ${formatDuration(stepMs)}`, hint: "round it" };
  };
  const values = `${formatDuration(minMs)}..${formatDuration(maxMs)}`;
  return text(read, { values, example: '"2s"', pattern: DURATION_PATTERN }, help, read);
}

/** Where to listen or connect, per `rules`. */
export function endpoint(rules: EndpointRules, help: string): z.ZodPipe<z.ZodString, z.ZodTransform<Endpoint, string>> {
  const places = [rules.wildcard ? '":PORT"' : null, '"IP:PORT"', '"[IPv6]:PORT"', rules.names ? '"NAME:PORT"' : null];
  const values = [...places, '"unix:/PATH"'].filter((place) => place !== null).join(", ");
  const read = (raw: string): Reading<Endpoint> => {
    const parsed = parseEndpoint(raw, rules);
    return parsed.ok ? { ok: true, value: parsed.endpoint } : parsed;
  };
  return text(read, { values, example: rules.wildcard ? '":8080"' : '"192.0.2.11:4900"' }, help);
}

/** An IP literal without port or brackets. */
export function ipAddress(help: string) {
  const hint = 'write an address without a port, as in "192.0.2.5"';
  const read = (raw: string): Reading<string> =>
    ipVersion(raw) !== 0 ? { ok: true, value: raw } : { ok: false, problem: "is not an IP address", hint };
  return text(read, { values: "an IP address", example: '"192.0.2.5"' }, help);
}

/** A single value or a list of them; the result is always a list. `example` is one value as TOML. */
export function oneOrMany<S extends z.ZodType>(item: S, help: string, example: string) {
  const error = () => saying("is not a list", `write one value or a list of them, as in ${example}`);
  return z
    .preprocess((raw) => (Array.isArray(raw) || raw === undefined ? raw : [raw]), z.array(item, { error }))
    .meta({ description: help, "x-one-or-many": true });
}

/** A list. */
export function list<S extends z.ZodType>(item: S, help: string) {
  const error = () => saying("is not a list", "write the values between [ and ]");
  return z.array(item, { error }).meta({ description: help });
}

/** A list of tables, written [[NAME]]. */
export function tables<S extends z.ZodType>(item: S, help: string) {
  const error = ({ input }: { readonly input?: unknown }) =>
    saying(
      "is not a list of tables",
      isTable(input) ? "write its header with two brackets, [[…]]" : "write [[…]] headers",
    );
  return z.array(item, { error }).meta({ description: help });
}

/** A table with known keys; others are refused. The message of an unknown key carries the known ones for "did you mean". */
export function table<S extends z.ZodRawShape>(shape: S, help: string): z.ZodObject<S, z.core.$strict> {
  const error = (issue: { readonly code?: string; readonly input?: unknown }) =>
    issue.code === "unrecognized_keys"
      ? Object.keys(shape).join(" ")
      : saying("is not a table", `write a table with the keys ${Object.keys(shape).join(", ")}`);
  return z.strictObject(shape, { error }).meta({ description: help });
}

/** As `table`, with every key optional and none filled in: a place that others inherit from. */
export function optionalTable<S extends z.ZodRawShape>(shape: S, help: string) {
  return table(shape, help).partial().meta({ description: help });
}

/** Tables by name, written [NAME.X]. */
export function named<S extends z.ZodType>(item: S, help: string) {
  const error = (issue: { readonly input?: unknown }) =>
    saying(
      "is not a set of named tables",
      Array.isArray(issue.input) ? "write [….NAME], with single brackets" : "write headers with a name, [….NAME]",
    );
  const names = { propertyNames: { pattern: NAME.source } };
  return z.record(z.string(), item, { error }).meta({ description: help, ...names });
}

/** Either of two shapes of one key; `problem` and `hint` are said when the value is neither. */
export function either<A extends z.ZodType, B extends z.ZodType>(
  a: A,
  b: B,
  help: string,
  problem: string,
  hint: string,
) {
  return z.union([a, b], { error: () => saying(problem, hint) }).meta({ description: help });
}

function isTable(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A name: safe in a log line, in CSV and in the runtime API's "listen/server". */
export function name(help: string) {
  return word(NAME, NAME_SHAPE, help);
}

/** The same for a name that stands in a table's header, where the schema has no value to look at. */
export function readName(raw: string): Reading<string> {
  if (NAME.test(raw)) return { ok: true, value: raw };
  return { ok: false, problem: NAME_SHAPE.problem, hint: `write ${NAME_SHAPE.values}, as in ${NAME_SHAPE.example}` };
}
