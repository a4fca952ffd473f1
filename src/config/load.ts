import { closeSync, constants, fstat, open, read } from "node:fs";
import { availableParallelism } from "node:os";
import { promisify } from "node:util";
import { chrootProblem, isThere } from "../core/chroot.ts";
import { ephemeralPorts, localAccounts, resolveHost } from "../core/host.ts";
import { localInterfaces, missingNetworkCapabilities } from "../core/networkHost.ts";
import { programProblem } from "../core/program.ts";
import { type Loaded, readConfig } from "./config.ts";
import { fileIssue, type Issue, placeFindings } from "./issue.ts";
import { type Resolver, resolveNames } from "./names.ts";
import { MAX_CONFIG_BYTES, tooLarge } from "./parse.ts";
import type { Environment } from "./rules.ts";

/** What a file of this machine came to. */
export interface LoadedFile extends Loaded {
  /** The text, for `explain`; "" when it could not be read. */
  readonly text: string;
}

/** What the rules may know of this machine. */
export function systemEnvironment(
  options: Pick<Environment, "strictHost" | "openFiles" | "runtimeProblem"> = {},
): Environment {
  const accounts = localAccounts();
  const interfaces = localInterfaces();
  return {
    cpus: availableParallelism(),
    ephemeralPorts: ephemeralPorts(),
    ...(accounts === null ? {} : { accounts }),
    ...(interfaces === null ? {} : { interfaces }),
    missingCapabilities: missingNetworkCapabilities(),
    programProblem,
    chrootProblem,
    isThere,
    ...options,
  };
}

/** A file in another language, in ours. */
export interface Translation {
  readonly toml: string;
  /** What the translation itself has to say, in lines of the file. */
  readonly issues: readonly Issue[];
  /** Where the file says what is at a key path; null: nowhere. */
  originOf(path: string): Pick<Issue, "line" | "column" | "length"> | null;
}

/** Translates a file that is not TOML; null: it is. An issue: it can be neither. */
export type Translate = (path: string, text: string) => Promise<Translation | Issue> | null;

/** How the world beyond the rules is asked. */
export interface LoadWorld {
  readonly translate?: Translate;
  readonly resolver?: Resolver;
  /** Another way to open the file, blocking, where we may not: its descriptor. Throws as openSync does. */
  readonly openElse?: (path: string, flags: number) => number;
}

/**
 * Reads and judges a configuration file and resolves its host names. Whatever is wrong comes back as issues, a missing
 * file included; it does not throw.
 */
export async function loadConfigFile(
  path: string,
  environment: Environment,
  { resolver = resolveHost, openElse, translate }: LoadWorld = {},
): Promise<LoadedFile> {
  const bytes = await readBounded(path, openElse);
  if (!(bytes instanceof Uint8Array)) return { config: null, issues: [bytes], text: "" };
  const text = new TextDecoder().decode(bytes);
  const translation = (await translate?.(path, text)) ?? null;
  if (translation !== null && "severity" in translation) return { config: null, issues: [translation], text };
  const source = translation === null ? bytes : new TextEncoder().encode(translation.toml);
  const moved = (issues: readonly Issue[]) => (translation === null ? issues : inTheirLines(issues, translation));
  const reading = readConfig({ path, bytes: source }, environment);
  if (reading.config === null) return { config: null, issues: moved(reading.issues), text };
  const { config, findings } = await resolveNames(reading.config, reading.origin, resolver);
  const all = [...reading.findings, ...findings];
  const issues = placeFindings(all, reading.parsed.places, reading.parsed.lines);
  return { config: all.some(({ severity }) => severity === "error") ? null : config, issues: moved(issues), text };
}

/** Issues of a translated file, at the lines that people wrote. */
function inTheirLines(issues: readonly Issue[], { issues: said, originOf }: Translation): readonly Issue[] {
  const nowhere = { line: 0, column: 0, length: 0 };
  const moved = issues.map((issue) => ({ ...issue, ...(originOf(issue.path) ?? nowhere) }));
  return [...said, ...moved].sort((a, b) => a.line - b.line || a.column - b.column);
}

/** The bytes of a file, or why there are none. At most one byte over the limit is read, whatever the file is. */
async function readBounded(path: string, openElse: LoadWorld["openElse"]): Promise<Uint8Array | Issue> {
  let fd: number | null = null;
  try {
    fd = await openFile(path, openElse);
    const stat = await promisify(fstat)(fd);
    if (stat.isDirectory()) return fileIssue("this is a directory, not a configuration file", "name the file in it");
    if (!stat.isFile()) return fileIssue("this is no regular file", "name a file that holds the configuration");
    if (stat.size > MAX_CONFIG_BYTES) return fileIssue(...tooLarge(stat.size));
    const buffer = new Uint8Array(MAX_CONFIG_BYTES + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await promisify(read)(fd, buffer, length, buffer.length - length, length);
      if (bytesRead === 0) return buffer.subarray(0, length);
      length += bytesRead;
      if (length === buffer.length) return fileIssue(...tooLarge(length));
    }
  } catch (error) {
    return unreadable(error);
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

async function openFile(path: string, openElse: LoadWorld["openElse"]): Promise<number> {
  // O_NONBLOCK: opening a pipe that nobody writes to must not hang.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK;
  try {
    return await promisify(open)(path, flags);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EACCES" || openElse === undefined) throw error;
    return openElse(path, flags);
  }
}

const REASONS: Readonly<Record<string, readonly [message: string, hint: string]>> = {
  ENOENT: ["there is no such file", "name another one with -c FILE"],
  EACCES: ["this user may not read the file", "run as a user who may, or change its permissions"],
  ENOTDIR: ["a part of the path is no directory", "name another one with -c FILE"],
  ELOOP: ["its symbolic links go round in a circle", "name another one with -c FILE"],
};

function unreadable(error: unknown): Issue {
  const code = String((error as NodeJS.ErrnoException).code ?? error);
  const [message, hint] = REASONS[code] ?? [`the file cannot be read: ${code}`, ""];
  return fileIssue(message, hint);
}
