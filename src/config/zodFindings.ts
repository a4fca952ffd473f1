import type { z } from "zod";
import type { Finding } from "./issue.ts";
import { MAX_ISSUES, showValue } from "./issue.ts";
import { splitSaying } from "./keys.ts";
import type { Path } from "./places.ts";
import { tablesWith } from "./reference.ts";
import { suggest } from "./suggest.ts";

type ZodIssue = z.core.$ZodIssue;

/** The value at a path of a parsed TOML document; undefined when there is none. */
export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

/** What the schema found, as findings. `root` is the document that was parsed. */
export function zodFindings(error: z.ZodError, root: unknown): Finding[] {
  return error.issues.flatMap((issue) => findingsOf(issue, [], root));
}

function findingsOf(issue: ZodIssue, base: Path, root: unknown): Finding[] {
  const path: Path = [...base, ...(issue.path as (string | number)[])];
  if (issue.code === "unrecognized_keys") {
    const known = issue.message.split(" ");
    // A hostile file has a hundred thousand; what is not going to be shown needs no hint.
    return issue.keys.map((key, index) => unknownKey([...path, key], index < MAX_ISSUES ? known : [], root));
  }
  if (issue.code === "invalid_union") {
    const branch = bestBranch(issue.errors);
    if (branch !== null) return branch.flatMap((inner) => findingsOf(inner, path, root));
  }
  return [plain(path, issue.message, root)];
}

/** The branch of a union that the value was meant for: the only one that liked its type. */
function bestBranch(branches: readonly (readonly ZodIssue[])[]): readonly ZodIssue[] | null {
  const liked = branches.filter(
    (issues) => !issues.some((issue) => issue.path.length === 0 && issue.code === "invalid_type"),
  );
  return liked.length === 1 ? (liked[0] ?? null) : null;
}

function plain(path: Path, said: string, root: unknown): Finding {
  const { problem, hint } = splitSaying(said);
  let found = valueAt(root, path);
  // A single value where a list may stand: the path has an index, the file has none.
  if (found === undefined && path.at(-1) === 0) found = valueAt(root, path.slice(0, -1));
  if (found !== undefined) return { severity: "error", path, found, message: `${showValue(found)} ${problem}`, hint };
  return { severity: "error", path, message: `"${path.at(-1)}" is missing`, hint: hint.replace(/^write /, "add it: ") };
}

function unknownKey(path: Path, known: readonly string[], root: unknown): Finding {
  const key = String(path.at(-1));
  const message = `unknown key ${showValue(key)}`;
  const table = valueAt(root, path.slice(0, -1)) as object;
  const free = known.filter((word) => !Object.hasOwn(table, word));
  const near = suggest(key, free) ?? suggest(key, known);
  if (known.length === 0) return { severity: "error", path, message, hint: "", atKey: true };
  const homes = near === null ? tablesWith(key, String(path[0])) : [];
  const elsewhere = homes.length > 0 ? `it belongs in ${homes.join(" or ")}` : `known here: ${known.join(", ")}`;
  const hint = near === null ? elsewhere : `did you mean "${near}"?`;
  return { severity: "error", path, message, hint, atKey: true };
}

/** TOML has dates and times; no key of ours takes one, and zod takes their objects for empty tables. */
export function dateFindings(value: unknown, path: Path = []): Finding[] {
  if (value instanceof Date) {
    return [
      {
        severity: "error",
        path,
        found: value,
        message: "no key takes a date or a time",
        hint: "is a pair of quotes missing?",
      },
    ];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    dateFindings(inner, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}
