import { readFileSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { printable } from "../config/issue.ts";
import { UserError } from "../core/errors.ts";
import { type ImportWorld, importFiles, judge } from "../import/importFiles.ts";
import type { ImportFinding } from "../import/ledger.ts";
import { ImportError, MAX_SOURCE_CHARS, type SourceFile } from "../import/source.ts";
import { command } from "./command.ts";
import { ExitCode } from "./exit.ts";
import { print } from "./print.ts";

const PROGRAM_PLACES = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** `import FILE … [-o FILE]`: files of HAProxy's and keepalived's as a configuration of ours. */
export const importCommand = command({
  meta: {
    name: "import",
    description: "Make a configuration file of HAProxy's and keepalived's; exit 1 when traffic was left out.",
  },
  args: {
    file: {
      type: "positional",
      required: true,
      description: "haproxy.cfg, and keepalived.conf if there is one",
      valueHint: "FILE …",
    },
    output: { type: "string", alias: "o", description: "write to this file instead of stdout", valueHint: "FILE" },
    "config-id": {
      type: "string",
      description: "host that keepalived's @ID lines are for; default: this one",
      valueHint: "ID",
    },
  },
  run({ args }) {
    const paths = args._ as string[];
    const files = paths.map(readSource);
    const imported = translated(() => importFiles(files, importWorld(args["config-id"])));
    const { toml } = imported;
    const findings = [...imported.findings, ...judge(imported, paths[0] ?? "")];
    print("stderr", findings.map(findingText).join(""));
    const left = findings.filter(({ kind }) => kind === "left out").length;
    const carriesTraffic = findings.some((finding) => finding.carriesTraffic);
    if (args.output === undefined) print("stdout", toml);
    else writeNew(args.output, toml);
    const counted =
      left === 0 ? "everything is carried over" : `${left} ${left === 1 ? "thing is" : "things are"} left out`;
    print("stderr", `${counted}${carriesTraffic ? ", and traffic depends on it" : ""}\n`);
    return carriesTraffic ? ExitCode.failed : ExitCode.ok;
  },
});

/** What the readers may know of this host. */
export function importWorld(configId: string = hostname().replace(/\..*$/, "")): ImportWorld {
  return { variables: process.env, configId, readIncluded, findProgram };
}

/** Runs an import; what is no file of either program becomes a message. */
export function translated<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof ImportError)) throw error;
    const at = error.line === null ? "" : `:${error.line}:${error.column}`;
    throw new UserError(`${error.file}${at}: ${error.message}`, ExitCode.failed);
  }
}

/** A finding as a message: place, what became of it, why, and what is nearest. */
function findingText(finding: ImportFinding): string {
  const { file, line, column, kind, text, why, nearest } = finding;
  const hint = nearest === "" ? "" : `; nearest: ${nearest}`;
  return `${printable(file)}:${line}:${column}: ${kind}: ${printable(text)}: ${printable(why)}${printable(hint)}\n`;
}

function readSource(path: string): SourceFile {
  try {
    if (!statSync(path).isFile()) throw new UserError(`${path}: this is no regular file`, ExitCode.failed);
    return { path, text: readFileSync(path, "utf8").slice(0, MAX_SOURCE_CHARS + 1) };
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${path}: the file cannot be read: ${(error as NodeJS.ErrnoException).code}`, ExitCode.failed);
  }
}

function writeNew(path: string, text: string): void {
  try {
    // It may hold passwords.
    writeFileSync(path, text, { mode: 0o640 });
  } catch (error) {
    throw new UserError(`${path}: cannot be written: ${(error as NodeJS.ErrnoException).code}`, ExitCode.failed);
  }
}

/** keepalived's includes: relative to the file that they stand in, * and ? in names. */
function readIncluded(pattern: string, includedFrom: string): readonly SourceFile[] | null {
  const whole = resolve(dirname(includedFrom), pattern);
  try {
    if (!/[*?[]/.test(whole)) return [readSource(whole)];
    // The part without patterns is where the search begins.
    const fixed = whole.slice(0, whole.search(/[*?[]/));
    const from = fixed.endsWith("/") ? fixed : dirname(fixed);
    const found = [...new Bun.Glob(whole.slice(from.length).replace(/^\//, "")).scanSync({ cwd: from })];
    return found
      .filter((name) => !basename(name).endsWith("~"))
      .sort()
      .map((name) => readSource(join(from, name)));
  } catch {
    return null;
  }
}

function findProgram(name: string): string | null {
  for (const place of PROGRAM_PLACES) {
    try {
      if (statSync(join(place, name)).isFile()) return join(place, name);
    } catch {
      // not here
    }
  }
  return null;
}
