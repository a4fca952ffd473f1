/** The longest content that is read as a number: room for any number that means something, and for a line end. */
export const MAX_FILE_BYTES = 64;
/** Numbers beyond are taken for this: enough to be beyond every weight. */
const MAX_VALUE = 2_147_483_647;
/** A sum of this much down means FAULT, as much up is cut: keepalived 2.2.7, observed. */
const FAULT_AMOUNT = -254;
const MAX_AMOUNT = 253;

/** What a tracked file says. */
export interface FileValue {
  /** The number in the file; 0 where there is none. */
  readonly value: number;
  /** Why there is none: "no such file"; "" when all is well. */
  readonly detail: string;
}

/**
 * Reads a file's content: one decimal integer, blanks and line ends around it. Anything else counts as 0, as in
 * keepalived, but says so. (keepalived also takes "5x" for 5, 0x10 for 16 and 010 for 8.)
 */
export function readValue(content: Uint8Array): FileValue {
  if (content.length > MAX_FILE_BYTES) return { value: 0, detail: `longer than ${MAX_FILE_BYTES} bytes` };
  const text = Buffer.from(content).toString("latin1").trim();
  if (text === "") return { value: 0, detail: "empty" };
  if (!/^[+-]?[0-9]+$/.test(text)) return { value: 0, detail: "not a whole number" };
  // `+ 0` because −0 is not a number that anybody wants to read.
  return { value: Math.max(-MAX_VALUE, Math.min(MAX_VALUE, Number(text))) + 0, detail: "" };
}

/** What a file's number does to the priority. */
export interface FileEffect {
  /** Added to the priority; −253…253, and 0 on a fault. */
  readonly amount: number;
  readonly fault: boolean;
}

/**
 * The number times the weight. A product of −254 or less means FAULT; one of 254 or more is the most that can be added.
 * With weight 0 any number but 0 means FAULT. `reverse` negates the product, or with weight 0 makes 0 the FAULT.
 */
export function fileEffect(value: number, weight: number, reverse: boolean): FileEffect {
  if (weight === 0) return { amount: 0, fault: (value !== 0) !== reverse };
  const amount = value * (reverse ? -weight : weight) + 0;
  return amount <= FAULT_AMOUNT ? { amount: 0, fault: true } : { amount: Math.min(MAX_AMOUNT, amount), fault: false };
}
