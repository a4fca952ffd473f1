import { printable } from "../printable.ts";

const SPECIAL = /[&<>"'\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;
const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Any text as the content of an element, or of an attribute in double quotes. */
export function esc(text: string): string {
  // Nearly always there is nothing to do, and a large page has some ten thousand texts.
  if (!SPECIAL.test(text)) return text;
  return printable(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

/** A name inside a sentence: its direction is its own, whatever letters it has. */
export function nameOf(text: string): string {
  return `<bdi>${esc(text)}</bdi>`;
}

/** ` name="value"`, or nothing when there is no value. */
export function attribute(name: string, value: string | number | null): string {
  return value === null ? "" : ` ${name}="${esc(String(value))}"`;
}
