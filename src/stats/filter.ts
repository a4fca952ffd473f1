import type { ServerSnapshot } from "./snapshot.ts";

/** What the page and its other forms leave out, in the options that HAProxy has for it. */
export interface PageFilter {
  /** Only listens whose name contains this; null: all. */
  readonly scope: string | null;
  /** Only servers that are up. */
  readonly up: boolean;
  /** No servers in maintenance, and none whose name does not resolve. */
  readonly noMaintenance: boolean;
}

/** The end of an address that leaves out the same; `words` are further options: "csv", "norefresh". */
export function filterText({ scope, up, noMaintenance }: PageFilter, ...words: readonly string[]): string {
  const options = [...(up ? ["up"] : []), ...(noMaintenance ? ["no-maint"] : []), ...words];
  const text = options.map((word) => `;${word}`).join("");
  return scope === null ? text : `${text}?scope=${encodeURIComponent(scope)}`;
}

/** Whether a server is left out. */
export function hides(
  { up, noMaintenance }: Pick<PageFilter, "up" | "noMaintenance">,
  { status, admin, unresolved }: ServerSnapshot,
): boolean {
  if (up && !/^(UP|no check|DRAIN)/.test(status)) return true;
  return noMaintenance && (admin === "maint" || unresolved);
}
