import { describe, expect, test } from "bun:test";
import { loadConfig } from "../../src/config/config.ts";
import type { Config } from "../../src/config/schema.ts";
import { NO_RUNTIME_SERVERS, overlay, withAdded, withDeleted } from "../../src/proxy/runtimeServers.ts";

/** A file with these lines of servers in a listen. */
function file(servers: string, listen = "web", more = ""): Config {
  const text = `[listen.${listen}]\nbind = ":80"\ncheck = { interval = "5s" }\n${more}\nserver = [${servers}]\n`;
  const { config, issues } = loadConfig(
    { path: "f", bytes: new TextEncoder().encode(text) },
    { cpus: 1, ephemeralPorts: null },
  );
  if (config === null) throw new Error(JSON.stringify(issues));
  return config;
}

const A = '{ name = "a", address = "192.0.2.1:80" }';
const B = '{ name = "b", address = "192.0.2.2:80" }';
const words = { name: "dyn", address: "192.0.2.9:80", keys: { weight: 7 } };
const added = withAdded(NO_RUNTIME_SERVERS, "web", words);
const namesIn = ({ listens }: Config): (string | undefined)[] => listens[0]?.servers.map(({ name }) => name) ?? [];

describe("a server that was added at run time", () => {
  test("is one more of its listen, with all that the listen hands down, in maintenance", () => {
    const { config, runtime, notes } = overlay(file(A), added);
    expect(namesIn(config)).toEqual(["a", "dyn"]);
    expect(config.listens[0]?.servers[1]).toMatchObject({ weight: 7, disabled: true, check: { intervalMs: 5000 } });
    expect(runtime).toEqual(added);
    expect(notes).toEqual(["server web/dyn, added at run time, stays although the file has it not"]);
  });

  test("follows the file in what is handed down, and goes when that cannot be any more", () => {
    expect(
      overlay(file(A, "web", "default_server = { maxconn = 9 }"), added).config.listens[0]?.servers[1]?.maxconn,
    ).toBe(9);
    const odd = withAdded(NO_RUNTIME_SERVERS, "web", { ...words, keys: { weight: 999 } });
    const { config, runtime, notes } = overlay(file(A), odd);
    expect([namesIn(config), runtime]).toEqual([["a"], NO_RUNTIME_SERVERS]);
    expect(notes[0]).toStartWith("server web/dyn, added at run time, goes: weight: 999 is too large");
  });

  test("gives way to one of its name in the file, and goes with its listen", () => {
    const inFile = overlay(file('{ name = "dyn", address = "192.0.2.3:80" }'), added);
    expect([namesIn(inFile.config), inFile.runtime]).toEqual([["dyn"], NO_RUNTIME_SERVERS]);
    expect(inFile.notes).toEqual([
      "server web/dyn, added at run time, is in the file now: what the file says of it holds",
    ]);
    expect(overlay(file(A, "other"), added)).toMatchObject({ runtime: NO_RUNTIME_SERVERS, notes: [] });
  });

  test("and then deleted is as if it had never been", () => {
    const dyn = overlay(file(A), added).config.listens[0]?.servers[1];
    expect(overlay(file(A), withDeleted(added, "web", dyn as never))).toMatchObject({
      runtime: NO_RUNTIME_SERVERS,
      notes: [],
    });
  });
});

describe("a server of the file that was deleted at run time", () => {
  const before = file(`${A}, ${B}`);
  const deleted = withDeleted(NO_RUNTIME_SERVERS, "web", before.listens[0]?.servers[0] as never);

  test("stays away, whatever else the file says of it", () => {
    const { config, runtime, notes } = overlay(
      file(`{ name = "a", address = "192.0.2.1:80", weight = 9 }, ${B}`),
      deleted,
    );
    expect([namesIn(config), runtime]).toEqual([["b"], deleted]);
    expect(notes).toEqual(["server web/a, deleted at run time, stays away although the file has it"]);
  });

  test("is forgotten when the file has it at another address, or not at all", () => {
    const moved = overlay(file(`{ name = "a", address = "192.0.2.7:80" }, ${B}`), deleted);
    expect([namesIn(moved.config), moved.runtime, moved.notes]).toEqual([["a", "b"], NO_RUNTIME_SERVERS, []]);
    expect(overlay(file(B), deleted).runtime).toEqual(NO_RUNTIME_SERVERS);
  });

  test("can be added again under its name", () => {
    const again = withAdded(deleted, "web", { ...words, name: "a" });
    const { config, notes } = overlay(before, again);
    expect(config.listens[0]?.servers.map(({ name, address }) => [name, address])).toEqual([
      ["b", { kind: "tcp", host: "192.0.2.2", port: 80 }],
      ["a", { kind: "tcp", host: "192.0.2.9", port: 80 }],
    ]);
    expect(notes).toHaveLength(2);
  });
});

test.each(["toString", "hasOwnProperty", "valueOf"])("a listen may be called %s", (name) => {
  const one = file(A, name);
  expect(overlay(one, NO_RUNTIME_SERVERS)).toEqual({ config: one, runtime: NO_RUNTIME_SERVERS, notes: [] });
  const runtime = withAdded(NO_RUNTIME_SERVERS, name, words);
  const overlaid = overlay(one, JSON.parse(JSON.stringify(runtime)));
  expect(namesIn(overlaid.config)).toEqual(["a", "dyn"]);
  expect(JSON.stringify(overlaid.runtime)).toBe(JSON.stringify(runtime));
});
