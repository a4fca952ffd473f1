import { isRaw, type Raw } from "./inherit.ts";
import type { Path } from "./places.ts";

/**
 * A copy of a document without the values that were found wrong, so that the rules between keys can still be tried and
 * all problems come out in one run. In a list of tables a wrong one becomes null, which keeps the others' indexes.
 */
export function soundPart(document: Raw, wrong: readonly Path[]): Raw {
  const copy = clone(document) as Record<string, unknown>;
  for (const path of wrong) remove(copy, path);
  return compact(copy) as Raw;
}

/** Lists of values without their holes; a hole in a list of tables stays. */
function compact(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(compact);
    return items.some(isRaw) ? items : items.filter((item) => item !== null);
  }
  if (!isRaw(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, compact(inner)]));
}

function clone(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(clone);
  if (!isRaw(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, clone(inner)]));
}

/** Keys that a table must have: without them the rest of the table would not be looked at. Rules ask `spoiled` about them. */
const STAND_INS: Readonly<Record<string, unknown>> = { bind: [], virtual_router_id: 1, interface: "unknown" };

function remove(root: Record<string, unknown>, path: Path): void {
  let parent: unknown = root;
  for (const [index, step] of path.slice(0, -1).entries()) {
    const next: unknown = (parent as Record<string | number, unknown>)[step];
    // `bind = "x"` is read as a list of one: the wrong element is the value itself.
    if (typeof next !== "object" || next === null) {
      remove(root, path.slice(0, index + 1));
      return;
    }
    parent = next;
  }
  const last = path.at(-1);
  if (last === undefined) return;
  if (Array.isArray(parent)) parent[last as number] = null;
  else if (Object.hasOwn(STAND_INS, last)) (parent as Record<string, unknown>)[last] = STAND_INS[last];
  else delete (parent as Record<string, unknown>)[last];
}
