import { type JsonSchema, jsonSchema } from "./jsonSchema.ts";

/** Tables of the file in the order of the reference, by their path in the schema ("*" is a name) and as people write them. */
const SECTIONS: readonly { readonly path: string; readonly title: string; readonly note?: string }[] = [
  { path: "global", title: "[global]" },
  { path: "log", title: "[[log]]" },
  {
    path: "defaults",
    title: "[defaults]",
    note: "The keys and tables of [listen.NAME], without `bind` and `server`. Tables merge key by key.",
  },
  { path: "listen.*", title: "[listen.NAME]" },
  { path: "listen.*.timeout", title: "[listen.NAME.timeout]" },
  {
    path: "listen.*.check",
    title: "[listen.NAME.check]",
    note: "`check = true` checks by connecting, `check = false` does not check; a server may have a `check` table of its own, which merges with this one.",
  },
  { path: "listen.*.check.step", title: "[[listen.NAME.check.step]]" },
  { path: "listen.*.server", title: "[[listen.NAME.server]]" },
  {
    path: "listen.*.default_server",
    title: "[listen.NAME.default_server]",
    note: "The keys of a server, without `name` and `address`.",
  },
  { path: "stats", title: "[stats]" },
  { path: "admin", title: "[admin]" },
  { path: "vrrp", title: "[vrrp]" },
  { path: "vrrp.mail", title: "[vrrp.mail]" },
  { path: "vrrp.script", title: "[[vrrp.script]]" },
  { path: "vrrp.instance.*", title: "[vrrp.instance.NAME]" },
];

/**
 * The reference of every key of the configuration file as Markdown: a heading and a list of keys for each TOML table.
 * Made from the JSON Schema, and so from the one declaration of each key.
 */
export function referenceMarkdown(): string {
  const root = jsonSchema();
  return SECTIONS.map(({ path, title, note }) => section(tableAt(root, path.split(".")), path, title, note)).join("\n");
}

/** Made once: a file may have many unknown keys. */
let cachedSchema: JsonSchema | null = null;

/** Titles of the tables of one section of the file ("listen", "vrrp", …) that have a key. */
export function tablesWith(key: string, section: string): string[] {
  cachedSchema ??= jsonSchema();
  const root = cachedSchema;
  return SECTIONS.filter(({ path }) => path.split(".")[0] === section)
    .filter(({ path }) => Object.hasOwn(tableAt(root, path.split(".")).properties ?? {}, key))
    .map(({ title }) => title);
}

function section(table: JsonSchema, path: string, title: string, note: string | undefined): string {
  const head = [`### \`${title}\``, "", markdown(note ?? table.description ?? ""), ""];
  // Where the note says that the keys are those of another table, they are not repeated.
  if (path === "defaults" || path.endsWith("default_server")) return head.join("\n");
  const rows = Object.entries(table.properties ?? {})
    .filter(([key]) => !SECTIONS.some((other) => other.path === `${path}.${key}` || other.path === `${path}.${key}.*`))
    .map(([key, node]) => row(key, node, table.required?.includes(key) === true));
  return [...head, "| Key | Values | Default | Meaning |", "| --- | --- | --- | --- |", ...rows, ""].join("\n");
}

function row(key: string, node: JsonSchema, required: boolean): string {
  const fallback = node.default === undefined ? (required ? "required" : "") : code(node.default);
  return `| \`${key}\` | ${markdown(values(node))} | ${fallback} | ${markdown(node.description ?? "")} |`;
}

/** What a key can be, in a few words. */
function values(node: JsonSchema): string {
  if (node["x-values"] !== undefined) return node["x-values"];
  if (node.properties !== undefined) return `{ ${Object.keys(node.properties).join(", ")} }`;
  if (node.items !== undefined) return `a list of ${values(node.items)}`;
  if (node["x-one-or-many"] === true) return `${values(node.anyOf?.[0] ?? {})}, or a list`;
  return (node.anyOf ?? []).map(values).join(", or ");
}

/** The table under a path: through lists, names and unions. */
function tableAt(root: JsonSchema, path: readonly string[]): JsonSchema {
  let node = root;
  for (const step of path) {
    const next = step === "*" ? node.additionalProperties : asTable(node).properties?.[step];
    if (typeof next !== "object") throw new RangeError(`the schema has no ${path.join(".")}`);
    node = next;
  }
  return asTable(node);
}

function asTable(node: JsonSchema): JsonSchema {
  if (node.items !== undefined) return asTable(node.items);
  return node.anyOf?.find((branch) => branch.properties !== undefined) ?? node;
}

function code(value: unknown): string {
  return `\`${JSON.stringify(value)}\``;
}

function markdown(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}
