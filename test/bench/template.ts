/**
 * Fills the `@NAME@` places of a configuration file. A name without a value, and a value that no place uses, are
 * both mistakes and throw.
 */
export function fillTemplate(text: string, values: Readonly<Record<string, string | number>>): string {
  const unused = new Set(Object.keys(values));
  const filled = text.replace(/@([A-Z_]+)@/g, (_place, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`no value for @${name}@`);
    unused.delete(name);
    return String(value);
  });
  if (unused.size > 0) throw new Error(`no place for ${[...unused].join(", ")}`);
  return filled;
}
