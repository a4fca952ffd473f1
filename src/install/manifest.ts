import { UserError } from "../core/errors.ts";

const EXIT_FAILED = 1;
const FORMAT = 1;

/** A thing that `install` has put on the host. */
export type Entry =
  /** `sha256` of what was written: a file that has another one now was edited. */
  | { kind: "file"; path: string; sha256: string }
  | { kind: "directory"; path: string }
  | { kind: "link"; path: string; target: string }
  /** Which of the two were not there before, and which account files (of a tree without any). */
  | { kind: "account"; name: string; user: boolean; group: boolean; created: readonly string[] }
  /** A change of the firewall, and the commands that take it back. */
  | { kind: "firewall"; undo: readonly (readonly string[])[] };

/** What `install` has put on the host, in the order in which it did. */
export interface Manifest {
  /** Version of the program. */
  version: string;
  entries: readonly Entry[];
}

/** The manifest as a file. */
export function renderManifest({ version, entries }: Manifest): string {
  return `${JSON.stringify({ format: FORMAT, version, entries }, null, 1)}\n`;
}

/** Reads a manifest's text. Throws UserError that names `path` when that is none of ours. */
export function parseManifest(text: string, path: string): Manifest {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    throw unreadable(path);
  }
  if (!isRecord(raw) || raw.format !== FORMAT || typeof raw.version !== "string" || !Array.isArray(raw.entries))
    throw unreadable(path);
  if (!raw.entries.every(isEntry)) throw unreadable(path);
  return { version: raw.version, entries: raw.entries };
}

function unreadable(path: string): UserError {
  return new UserError(
    `${path} does not say what was installed: it is damaged, or of another version\n  remove it, and install anew`,
    EXIT_FAILED,
  );
}

function isEntry(value: unknown): value is Entry {
  if (!isRecord(value)) return false;
  switch (value.kind) {
    case "file":
      return isCleanPath(value.path) && typeof value.sha256 === "string";
    case "directory":
      return isCleanPath(value.path);
    case "link":
      return isCleanPath(value.path) && typeof value.target === "string";
    case "account":
      return (
        isText(value.name) &&
        typeof value.user === "boolean" &&
        typeof value.group === "boolean" &&
        Array.isArray(value.created) &&
        value.created.every(isCleanPath)
      );
    case "firewall":
      return Array.isArray(value.undo) && value.undo.every((argv) => Array.isArray(argv) && argv.every(isText));
    default:
      return false;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

/** Absolute, and without "..": joined to a root it stays below it. */
function isCleanPath(value: unknown): value is string {
  return (
    isText(value) &&
    /^\/[^\0]+$/.test(value) &&
    !value
      .split("/")
      .slice(1)
      .some((part) => part === ".." || part === "")
  );
}
