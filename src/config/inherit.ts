/** A TOML table before the schema has looked at it. */
export type Raw = Readonly<Record<string, unknown>>;

/** True for a table: no list, no date. */
export function isRaw(value: unknown): value is Raw {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** The table under a key; {} when there is none. */
export function rawTable(parent: Raw, key: string): Raw {
  const value = parent[key];
  return isRaw(value) ? value : {};
}

/** The tables of a list under a key, null in the place of what is no table; [] when there is no list. */
export function rawTables(parent: Raw, key: string): (Raw | null)[] {
  const value = parent[key];
  return Array.isArray(value) ? value.map((item) => (isRaw(item) ? item : null)) : [];
}

/** Keys of `over` win; tables merge key by key, everything else is replaced whole. */
export function merge(base: Raw, over: Raw): Raw {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    if (key === "check") merged[key] = mergeCheck(below, value);
    else merged[key] = isRaw(below) && isRaw(value) ? merge(below, value) : value;
  }
  return merged;
}

const SCRIPT_KEYS = ["send", "expect", "step"];

/**
 * Checks merge like tables, but what is asked of a server is one thing: a table that sets any of send, expect and step
 * replaces all three. `true` keeps the table below it, `false` drops it.
 */
export function mergeCheck(below: unknown, over: unknown): unknown {
  if (over === undefined) return below;
  if (over === true) return isRaw(below) ? below : true;
  if (!isRaw(over) || !isRaw(below)) return over;
  const kept = SCRIPT_KEYS.some((key) => key in over) ? without(below, SCRIPT_KEYS) : below;
  return merge(kept, over);
}

function without(table: Raw, keys: readonly string[]): Raw {
  return Object.fromEntries(Object.entries(table).filter(([key]) => !keys.includes(key)));
}

/** Keys of a listen that only its servers use. */
const HANDED_DOWN = ["source", "check", "default_server", "server"];

/** A listen and its servers, each with everything that [defaults], the listen and its default_server hand down. */
export interface Inherited {
  readonly listen: Raw;
  readonly servers: readonly (Raw | null)[];
  /** What every server has that does not say otherwise. */
  readonly serverDefaults: Raw;
}

/** Writes everything inherited into a listen and into each of its servers. */
export function inherit(defaults: Raw, listen: Raw): Inherited {
  const whole = merge(defaults, listen);
  const fromListen: Raw = { ...pick(whole, "source"), ...pick(whole, "check") };
  const base = merge(fromListen, rawTable(whole, "default_server"));
  const servers = rawTables(listen, "server").map((server) => server && merge(base, server));
  return { listen: without(whole, HANDED_DOWN), servers, serverDefaults: base };
}

function pick(table: Raw, key: string): Raw {
  return key in table ? { [key]: table[key] } : {};
}
