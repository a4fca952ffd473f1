import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cycles, forbidden, type Import, importsOf, ROOMS, roomOf } from "./rooms.ts";

const SRC = join(import.meta.dir, "../../src");

const files = [...new Bun.Glob("**/*.ts").scanSync({ cwd: SRC })].sort();
const imports = files.flatMap((path) => importsOf(path, readFileSync(join(SRC, path), "utf8")));

describe("src/", () => {
  test("every folder is a room of the table", () => {
    expect([...new Set(files.map(roomOf))].filter((room) => ROOMS[room] === undefined)).toEqual([]);
  });

  test("rooms import only downwards", () => {
    expect(forbidden(imports)).toEqual([]);
  });

  test("no file imports itself through others", () => {
    expect(cycles(imports)).toEqual([]);
  });

  test("every relative import names a file", () => {
    const dangling = imports.filter(({ to }) => !existsSync(join(SRC, to)));
    // package.json would be embedded whole into the product; the version comes from the build.
    expect(dangling.map(({ from, line, to }) => `src/${from}:${line}: no ${to}`)).toEqual([]);
  });

  test("the reader of imports sees as many as Bun's own parser", () => {
    const transpiler = new Bun.Transpiler({ loader: "ts" });
    for (const path of files) {
      const seen = transpiler.scanImports(readFileSync(join(SRC, path), "utf8"));
      const relative = seen.filter(({ path: to }) => to.startsWith(".")).map(({ path: to }) => to);
      const ours = importsOf(path, readFileSync(join(SRC, path), "utf8")).filter(({ typeOnly }) => !typeOnly);
      expect({ path, missed: relative.length > ours.length }).toEqual({ path, missed: false });
    }
  });
});

describe("the arrows", () => {
  test("the table itself has no circle", () => {
    const arrows = Object.entries(ROOMS).flatMap(([room, { modules }]) =>
      modules.map((to): Import => ({ from: room, to, line: 1, typeOnly: false })),
    );
    expect(cycles(arrows)).toEqual([]);
    expect(arrows.filter(({ to }) => ROOMS[to] === undefined)).toEqual([]);
  });

  test("an upward import is named with its file and line", () => {
    const upward = importsOf(
      "pool/board.ts",
      'import { x } from "./layout.ts";\nimport { Session } from "../relay/session.ts";\n',
    );
    expect(forbidden(upward)).toEqual(["src/pool/board.ts:2: pool must not import relay (relay/session.ts)"]);
  });

  test("config's types may be seen where config itself may not", () => {
    const source = (keyword: string) => importsOf("health/probe.ts", `${keyword} { C } from "../config/schema.ts";`);
    expect(forbidden(source("import type"))).toEqual([]);
    expect(forbidden(source("import"))).toEqual([
      "src/health/probe.ts:1: health must not import config except by `import type` (config/schema.ts)",
    ]);
  });

  test("a folder that is not in the table is refused", () => {
    expect(forbidden(importsOf("utils/x.ts", 'import "../core/clock.ts";'))).toEqual([
      'src/utils/x.ts: "utils" is no room; add it to the table with its arrows',
    ]);
  });

  test("a circle among files is found, and one of types alone is none", () => {
    const three = (keyword: string) => [
      ...importsOf("log/a.ts", 'import { b } from "./b.ts";'),
      ...importsOf("log/b.ts", 'export * from "./c.ts";'),
      ...importsOf("log/c.ts", `${keyword} { a } from "./a.ts";`),
    ];
    expect(cycles(three("import"))).toEqual([["log/a.ts", "log/b.ts", "log/c.ts"]]);
    expect(cycles(three("import type"))).toEqual([]);
  });
});

test("every way to name another file is read", () => {
  const source = [
    'import type { A, B } from "../core/a.ts";',
    'import {\n  type C,\n  d,\n} from "../core/b.ts";',
    'import * as e from "../core/c.ts";',
    'import f, { g as h } from "../core/d.ts";',
    'export { i } from "../core/e.ts";',
    'export type { j } from "../core/f.ts";',
    'import "../core/g.ts"; import "../core/k.ts";',
    'import { z } from "zod";',
    'const k = await import("../core/h.ts");',
    'new Worker(new URL("../core/i.ts", import.meta.url));',
    'import type from "../core/j.ts";',
  ].join("\n");
  const seen = importsOf("net/x.ts", source);
  expect(seen.map(({ to, typeOnly }) => `${to}${typeOnly ? " type" : ""}`)).toEqual([
    "core/a.ts type",
    "core/b.ts",
    "core/c.ts",
    "core/d.ts",
    "core/e.ts",
    "core/f.ts type",
    "core/g.ts",
    "core/k.ts",
    "core/j.ts",
    "core/h.ts",
    "core/i.ts",
  ]);
  expect(seen.map(({ line }) => line).slice(0, 3)).toEqual([1, 5, 6]);
});
