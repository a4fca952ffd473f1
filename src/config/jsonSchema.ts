import * as z from "zod";
import { fileSchema } from "./schema.ts";

/** A node of a JSON Schema, as far as we read it back. */
export interface JsonSchema {
  type?: string;
  description?: string;
  default?: unknown;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  additionalProperties?: JsonSchema | boolean;
  /** A key's range in words. */
  "x-values"?: string;
  [key: string]: unknown;
}

/**
 * The JSON Schema (draft-07, which editors' TOML extensions read) of the configuration file, made from the zod schema.
 * Defaults under [defaults] and default_server are left out: there, a key that is not set says nothing.
 */
export function jsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(fileSchema, {
    io: "input",
    target: "draft-7",
    override: ({ jsonSchema: node }) => {
      // zod calls this for an optional key and for the key inside of it, with what the first call made.
      if (node["x-one-or-many"] === true && node.anyOf === undefined) oneOrMany(node as JsonSchema);
    },
  }) as JsonSchema;
  const listen = schema.properties?.listen?.additionalProperties;
  const defaults = schema.properties?.defaults;
  for (const place of [defaults, typeof listen === "object" ? listen.properties?.default_server : undefined]) {
    if (place !== undefined) dropDefaults(place);
  }
  return { ...schema, title: "haproxy-lite" };
}

/** `bind = "…"` and `bind = ["…", "…"]`: the list in the schema accepts its single item, too. */
function oneOrMany(node: JsonSchema): void {
  const { items, description, default: fallback } = node;
  const item = items ?? {};
  for (const key of Object.keys(node)) delete node[key];
  Object.assign(node, { description, "x-one-or-many": true, anyOf: [item, { type: "array", items: item }] });
  if (fallback !== undefined) node.default = fallback;
}

function dropDefaults(node: JsonSchema): void {
  delete node.default;
  for (const inner of Object.values(node.properties ?? {})) dropDefaults(inner);
  for (const inner of node.anyOf ?? []) dropDefaults(inner);
}
