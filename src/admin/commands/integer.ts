/** A number as C's strtol reads it: what stands behind it, "" when nothing does. null: there is no number at the beginning. */
export function leadingInteger(text: string): { value: number; rest: string } | null {
  const [, digits, rest = ""] = /^([+-]?\d{1,15})(.*)$/s.exec(text) ?? [];
  return digits === undefined ? null : { value: Number(digits), rest };
}

/** A whole number and nothing else; null: it is none. */
export function wholeNumber(text: string | undefined): number | null {
  const read = leadingInteger(text ?? "");
  return read === null || read.rest !== "" ? null : read.value;
}
