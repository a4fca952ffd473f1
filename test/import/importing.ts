import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { loadConfig } from "../../src/config/config.ts";
import type { Issue } from "../../src/config/issue.ts";
import { type Imported, type ImportWorld, importFiles } from "../../src/import/importFiles.ts";
import type { SourceFile } from "../../src/import/source.ts";

const FIXTURES = join(import.meta.dir, "../fixtures/import");

/** Variables that the corpus asks for. */
const NAMES = ["FE1", "FE2", "S1", "S2", "S3", "DEAD1", "MUTE1", "PONG1", "HTTP1", "ECHO1", "LOG"];
export const VARIABLES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(NAMES.map((name, index) => [name, String(7100 + index)])),
  SOCK: "/run/test.sock",
};

/** The world of a host called "lb1". */
export const WORLD: ImportWorld = {
  variables: VARIABLES,
  configId: "lb1",
  readIncluded: () => null,
  findProgram: (name) => `/usr/bin/${name}`,
};

/** Files of a directory by their names. */
export function filesOf(directory: string, extension: string): SourceFile[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(extension))
    .sort()
    .map((name) => ({ path: name, text: readFileSync(join(directory, name), "utf8") }));
}

/** Every file of HAProxy's and keepalived's that there is to import, one each. */
export const CORPUS: readonly SourceFile[] = [
  ...filesOf(join(import.meta.dir, "corpus"), ".cfg"),
  ...filesOf(join(import.meta.dir, "corpus"), ".conf"),
  ...filesOf(join(FIXTURES, "haproxy"), ".cfg").map((file) => ({ ...file, path: `fixture-${basename(file.path)}` })),
  ...filesOf(join(FIXTURES, "keepalived"), ".conf"),
  ...filesOf(join(FIXTURES, "blog"), ".cfg"),
  ...filesOf(join(FIXTURES, "blog"), ".conf"),
];

/** A file of the corpus. */
export function corpus(path: string): SourceFile {
  const found = CORPUS.find((file) => file.path === path);
  if (found === undefined) throw new Error(`no ${path}`);
  return found;
}

/** Imports one text as a file of HAProxy's, or of keepalived's where it is one. */
export function imported(text: string, world: Partial<ImportWorld> = {}, path = "test.cfg"): Imported {
  return importFiles([{ path, text }], { ...WORLD, ...world });
}

/** What our own validation has to say of a result. */
export function problems(toml: string): readonly Issue[] {
  return loadConfig({ path: "imported.toml", bytes: new TextEncoder().encode(toml) }, { cpus: 2, ephemeralPorts: null })
    .issues;
}
