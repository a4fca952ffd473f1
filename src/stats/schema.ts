import { TAG_WORDS, type ValueType } from "./field.ts";

const SAFE = Number.MAX_SAFE_INTEGER;

/** The JSON types of values, by HAProxy's names for them. */
const VALUES: Readonly<Record<ValueType, object>> = {
  str: { type: "string" },
  s32: { type: "integer", minimum: -(2 ** 31), maximum: 2 ** 31 - 1 },
  u32: { type: "integer", minimum: 0, maximum: 2 ** 32 - 1 },
  u64: { type: "integer", minimum: 0, maximum: SAFE },
  flt: { type: "number" },
};

/**
 * `show schema json`: the JSON Schema (draft 4) of `show info json`, `show stat json`, and of HAProxy's answer when
 * something is wrong. Unlike HAProxy's own, real answers do satisfy it.
 */
export function jsonSchema(): string {
  return JSON.stringify({
    $schema: "http://json-schema.org/draft-04/schema#",
    oneOf: [
      { title: "Info", ...arrayOf(item("InfoItem", {})) },
      {
        title: "Stat",
        ...arrayOf(
          arrayOf(
            item("StatItem", {
              objType: { enum: ["Frontend", "Backend", "Listener", "Server", "Unknown"] },
              proxyId: { type: "integer", minimum: 0 },
              id: { type: "integer", minimum: 0 },
            }),
          ),
        ),
      },
      { title: "Error", ...objectOf({ errorStr: { type: "string" } }) },
    ],
    definitions: {
      field: objectOf({ pos: { type: "integer", minimum: 0 }, name: { type: "string" } }),
      processNum: { type: "integer", minimum: 1 },
      tags: objectOf({
        origin: anyWord(TAG_WORDS.origin),
        nature: anyWord(TAG_WORDS.nature),
        scope: anyWord(TAG_WORDS.scope),
      }),
      typedValue: {
        oneOf: Object.entries(VALUES).map(([type, value]) => objectOf({ type: { enum: [type] }, value })),
      },
    },
  });
}

function item(title: string, more: Record<string, object>): object {
  const refer = (name: string): object => ({ $ref: `#/definitions/${name}` });
  const common = { field: refer("field"), processNum: refer("processNum"), tags: refer("tags") };
  return { title, ...objectOf({ ...more, ...common, value: refer("typedValue") }) };
}

function objectOf(properties: Record<string, object>): object {
  return { type: "object", properties, required: Object.keys(properties) };
}

function arrayOf(items: object): object {
  return { type: "array", items };
}

function anyWord(words: Readonly<Record<string, string>>): object {
  return { type: "string", enum: [...Object.values(words), "Unknown"] };
}
