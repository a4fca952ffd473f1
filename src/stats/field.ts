/** How HAProxy tags what it reports: where a value comes from, what kind of value it is, whom it is true for. */
const ORIGIN = { M: "Metric", S: "Status", K: "Key", C: "Config", P: "Product" } as const;
const NATURE = {
  G: "Gauge",
  L: "Limit",
  m: "Min",
  M: "Max",
  R: "Rate",
  C: "Counter",
  D: "Duration",
  A: "Age",
  T: "Time",
  N: "Name",
  O: "Output",
  a: "Avg",
} as const;
const SCOPE = { C: "Cluster", P: "Process", S: "Service", s: "System" } as const;

/** Words of the tags, by what they say. */
export const TAG_WORDS = { origin: ORIGIN, nature: NATURE, scope: SCOPE } as const;

/** How a value is written: text, whole numbers of so many bits, with or without a sign, and numbers with decimals. */
export type ValueType = "str" | "u32" | "u64" | "s32" | "flt";

/** Tags and type as HAProxy's typed answers have them: "MGP:u32" is a metric, a gauge, of the process, 32 bits wide. */
export type Tag = `${keyof typeof ORIGIN}${keyof typeof NATURE}${keyof typeof SCOPE}:${ValueType}`;

/** What a field may hold; null: this row, or this moment, has none (HAProxy leaves it out, CSV has it empty). */
export type FieldValue = string | number | null;

/** What each reported value has, whatever it is about. */
export interface Field {
  /** Where HAProxy 2.6 has it; some of its places are left out. */
  readonly pos: number;
  readonly name: string;
  /** What it says, in words, for `desc`. */
  readonly about: string;
}

/** The words behind a tag. */
export function describeTag(tag: Tag): {
  origin: string;
  nature: string;
  scope: string;
  type: ValueType;
} {
  const [letters = "", type] = tag.split(":") as [string, ValueType];
  const [origin, nature, scope] = letters as unknown as [keyof typeof ORIGIN, keyof typeof NATURE, keyof typeof SCOPE];
  return { origin: ORIGIN[origin], nature: NATURE[nature], scope: SCOPE[scope], type };
}

/** HAProxy's JSON for a value of this field, up to the value itself; two braces close it. */
export function jsonBefore({ pos, name }: Pick<Field, "pos" | "name">, tag: Tag): string {
  const { type, ...tags } = describeTag(tag);
  const said = { field: { pos, name }, processNum: 1, tags, value: { type } };
  return `${JSON.stringify(said).slice(1, -2)},"value":`;
}

/** Text that stands on one line: who reads line by line takes for a value what stands there. */
export function onOneLine(value: string | number): string {
  return typeof value === "number" ? String(value) : value.replace(/\p{Cc}/gu, " ");
}

/** What `desc` puts behind a value. */
export function described({ about }: Pick<Field, "about">): string {
  return `:"${about}"`;
}
