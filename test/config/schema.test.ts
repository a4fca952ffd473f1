import { describe, expect, test } from "bun:test";
import { parse } from "smol-toml";
import { loadConfig } from "../../src/config/config.ts";
import { type JsonSchema, jsonSchema } from "../../src/config/jsonSchema.ts";
import { referenceMarkdown } from "../../src/config/reference.ts";
import { valueAt } from "../../src/config/zodFindings.ts";

const machine = { cpus: 2, ephemeralPorts: null };

/** Every key of the schema that takes a plain value, with its path as the reference groups it. */
function leaves(node: JsonSchema, path: readonly string[] = []): { path: readonly string[]; node: JsonSchema }[] {
  const named = typeof node.additionalProperties === "object" ? [node.additionalProperties] : [];
  const inside = [...named, ...(node.items ? [node.items] : []), ...(node.anyOf ?? [])].flatMap((inner) =>
    leaves(inner, path),
  );
  const keys = Object.entries(node.properties ?? {}).flatMap(([key, inner]) => leaves(inner, [...path, key]));
  const leaf = keys.length + inside.length === 0 ? [{ path, node }] : [];
  return [...leaf, ...inside, ...keys];
}

function load(text: string) {
  return loadConfig({ path: "c.toml", bytes: new TextEncoder().encode(text) }, machine);
}

describe("the JSON Schema", () => {
  const schema = jsonSchema();
  const all = leaves(schema);

  test("is draft-07 and closed: a key it does not know is an error in the editor, too", () => {
    expect(schema.$schema).toBe("http://json-schema.org/draft-07/schema#");
    expect(schema.additionalProperties).toBe(false);
    expect(Object.keys(schema.properties ?? {})).toEqual([
      "global",
      "log",
      "defaults",
      "listen",
      "stats",
      "admin",
      "vrrp",
    ]);
    expect(all.length).toBeGreaterThan(150);
  });

  test("has a help line and a range in words for every key", () => {
    const silent = all.filter(({ node }) => !node.description || !node["x-values"]);
    expect(silent.map(({ path }) => path.join("."))).toEqual([]);
  });

  test("has patterns that compile, and defaults that fit them", () => {
    for (const { path, node } of all) {
      if (typeof node.pattern !== "string") continue;
      const pattern = new RegExp(node.pattern, "u");
      if (typeof node.default === "string")
        expect([path.join("."), pattern.test(node.default)]).toEqual([path.join("."), true]);
    }
  });

  test("takes one address or a list where the file may have either", () => {
    const listen = schema.properties?.listen?.additionalProperties as JsonSchema;
    expect(listen.properties?.bind?.anyOf?.map(({ type }) => type)).toEqual(["string", "array"]);
    expect(listen.required).toEqual(["bind"]);
  });

  test("names no default where a key that is not set inherits", () => {
    const listen = schema.properties?.listen?.additionalProperties as JsonSchema;
    expect(listen.properties?.retries?.default).toBe(3);
    expect(schema.properties?.defaults?.properties?.retries).not.toHaveProperty("default");
    expect(listen.properties?.default_server?.properties?.weight).not.toHaveProperty("default");
  });

  test("declares the defaults that an empty table gets", () => {
    const { config } = load(
      '[listen.a]\nbind = ":80"\n[[listen.a.server]]\nname = "s"\naddress = "192.0.2.1:80"\ncheck = true\n',
    );
    expect(config?.global).toMatchObject({ maxconn: 4096, threads: 2, daemon: false, hardStopAfterMs: 30_000 });
    expect(config?.listens[0]).toMatchObject({ balance: "roundrobin", retries: 3, redispatch: true, backlog: 4096 });
    expect(config?.listens[0]?.servers[0]).toMatchObject({ weight: 1, errorLimit: 10, onError: "fail-check" });
    expect(config?.listens[0]?.servers[0]?.check).toMatchObject({
      intervalMs: 2000,
      rise: 2,
      fall: 3,
      initState: "up",
    });
    expect(config?.admin).toEqual({ socket: null, mode: 0o600, level: "admin", binds: [], bindLevel: "user" });
    expect(config?.stats).toBeNull();
    expect(config?.vrrp).toBeNull();
  });
});

describe("the reference", () => {
  const text = referenceMarkdown();

  test("has every key of the file", () => {
    const missing = leaves(jsonSchema())
      .map(({ path }) => path.at(-1) ?? "")
      .filter((key) => !text.includes(`\`${key}\``) && !new RegExp(`\\{[^}]*\\b${key}\\b[^}]*\\}`).test(text));
    expect(missing).toEqual([]);
  });

  test("has a row of four cells for each key", () => {
    const rows = text.split("\n").filter((line) => line.startsWith("|"));
    expect(rows.length).toBeGreaterThan(100);
    expect(rows.filter((row) => row.replaceAll("\\|", "").split("|").length !== 6)).toEqual([]);
    expect(text).toContain("| `weight` | 0..256 | `1` |");
    expect(text).toContain('| `hard_stop_after` | 1ms..24d | `"30s"` |');
    expect(text).toContain("| `virtual_router_id` | 1..255 | required |");
  });
});

test("a resolved configuration survives JSON unchanged: it crosses processes and threads", async () => {
  const bytes = await Bun.file(`${import.meta.dir}/fixtures/valid-contract.toml`).bytes();
  const { config } = loadConfig({ path: "c.toml", bytes }, machine);
  expect(config).not.toBeNull();
  expect(JSON.parse(JSON.stringify(config))).toEqual(config as object);
});

test("a megabyte is read, a byte more is not", () => {
  expect(load("#".repeat(1_048_576)).issues[0]?.message).toBe("nothing to do: there is no [listen.NAME] table");
  expect(load("#".repeat(1_048_577)).issues[0]?.message).toBe(
    "the file has 1048577 bytes; a configuration has at most 1 MiB",
  );
});

test("listens keep the order of the file, whatever they are called", () => {
  const { config } = load(
    '[listen.b]\nbind = ":1"\n[listen.90]\nbind = ":2"\n[listen.a]\nbind = ":3"\n[listen.8]\nbind = ":4"\n',
  );
  expect(config?.listens.map(({ name }) => name)).toEqual(["b", "90", "a", "8"]);
});

test("the sample is valid, names its schema first, and gives no reason to warn", async () => {
  const path = `${import.meta.dir}/../../haproxy-lite.toml`;
  const bytes = await Bun.file(path).bytes();
  const { config, issues } = loadConfig({ path, bytes }, { cpus: 2, ephemeralPorts: { low: 32768, high: 60999 } });
  expect(issues).toEqual([]);
  const [listen] = config?.listens ?? [];
  expect(listen?.name).toBe("tcp_service_a");
  expect(listen?.binds).toEqual([{ kind: "tcp", host: "127.0.0.1", port: 14900 }]);
  expect(listen?.servers.map(({ name, address }) => [name, address.kind === "tcp" && address.port])).toEqual([
    ["tcp_service_a_01", 14901],
    ["tcp_service_a_02", 14902],
  ]);
  // The demo's servers echo, so what is expected must be part of what is sent.
  const document = parse(await Bun.file(path).text());
  expect(valueAt(document, ["listen", "tcp_service_a", "check", "send"])).toContain(
    valueAt(document, ["listen", "tcp_service_a", "check", "expect"]) as string,
  );
  expect(new TextDecoder().decode(bytes)).toStartWith("#:schema ./haproxy-lite.schema.json\n");
});
