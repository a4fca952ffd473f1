import type { AccountIds, Existing } from "./facts.ts";
import type { Entry, Manifest } from "./manifest.ts";
import { CONFIG_DIRECTORY, LOG_DIRECTORY, MANIFEST, STATE_DIRECTORY } from "./paths.ts";
import { isAsWritten } from "./plan.ts";

/** A thing with a path, or the account: what is taken away or kept. */
export type RemovableEntry = Exclude<Entry, { kind: "firewall" }>;

/** One line of a removal, and one thing to do. */
export type RemovalStep =
  | { verdict: "run"; argv: readonly string[] }
  /** `contents`: a directory goes with all that is in it. */
  | { verdict: "remove"; entry: RemovableEntry; contents: boolean; why: string | null }
  | { verdict: "keep"; entry: RemovableEntry; why: string };

/** What is on the host now. */
export interface InstalledState {
  /** For every path of the manifest. */
  existing: ReadonlyMap<string, Existing>;
  /** Names in every directory of the manifest. */
  children: ReadonlyMap<string, readonly string[]>;
  account: AccountIds;
  /** "/" or a tree: commands are for the host itself. */
  root: string;
}

/** Ours alone: `--purge` takes them with whatever is in them. */
const OWN_DIRECTORIES: readonly string[] = [CONFIG_DIRECTORY, LOG_DIRECTORY, STATE_DIRECTORY];

/** Steps that take away what was installed, newest first: edited files are kept unless `purge`, and the directories they are in. */
export function planRemoval(manifest: Manifest, state: InstalledState, purge: boolean): RemovalStep[] {
  const steps: RemovalStep[] = stopCommands(manifest, state);
  const gone = new Set([MANIFEST]);
  const kept: string[] = [];
  for (const entry of removalOrder(manifest.entries)) {
    const step = removalOf(entry, state, purge, gone, kept);
    steps.push(...step);
    for (const each of step) {
      if (each.verdict === "run") continue;
      const paths = each.entry.kind === "account" ? each.entry.created : [each.entry.path];
      for (const path of paths) each.verdict === "remove" ? gone.add(path) : kept.push(path);
    }
  }
  if (state.root === "/" && manifest.entries.some((entry) => "path" in entry && isUnit(entry.path)))
    steps.push({ verdict: "run", argv: ["systemctl", "daemon-reload"] });
  return steps;
}

/**
 * Newest first, but the manifest's directory after all that it may have to know of, the account after everything that may belong to it, and before the directories of the system, which it
 * may have files in.
 */
function removalOrder(entries: readonly Entry[]): Entry[] {
  const rank = (entry: Entry): number => {
    if (entry.kind === "account") return 3;
    if (entry.kind !== "directory") return 0;
    return entry.path === STATE_DIRECTORY ? 2 : OWN_DIRECTORIES.includes(entry.path) ? 1 : 4;
  };
  return entries.toReversed().sort((a, b) => rank(a) - rank(b));
}

/** Whether something was kept that `--purge` would take: then the manifest stays, to know of it. */
export function isWorthRemembering(kept: readonly Entry[]): boolean {
  return kept.some(
    (entry) => entry.kind === "file" || (entry.kind === "directory" && OWN_DIRECTORIES.includes(entry.path)),
  );
}

function removalOf(
  entry: Entry,
  state: InstalledState,
  purge: boolean,
  gone: ReadonlySet<string>,
  kept: readonly string[],
): RemovalStep[] {
  switch (entry.kind) {
    case "firewall":
      return entry.undo.map((argv) => ({ verdict: "run", argv }));
    case "file":
    case "link": {
      if ((state.existing.get(entry.path)?.kind ?? "absent") === "absent") return [];
      if (isAsWritten(entry, state.existing)) return [{ verdict: "remove", entry, contents: false, why: null }];
      return purge
        ? [{ verdict: "remove", entry, contents: false, why: "edited" }]
        : [{ verdict: "keep", entry, why: "edited since it was installed; --purge removes it" }];
    }
    case "directory":
      return directoryRemoval(entry, state, purge, gone, kept);
    case "account": {
      if (!entry.user && !entry.group) return [];
      const owned = kept.find((path) => isOwned(state.existing.get(path), state.account));
      return owned === undefined
        ? [{ verdict: "remove", entry, contents: false, why: null }]
        : [{ verdict: "keep", entry, why: `${owned} belongs to it` }];
    }
  }
}

function directoryRemoval(
  entry: Extract<Entry, { kind: "directory" }>,
  { existing, children }: InstalledState,
  purge: boolean,
  gone: ReadonlySet<string>,
  kept: readonly string[],
): RemovalStep[] {
  if (existing.get(entry.path)?.kind !== "directory") return [];
  const left = (children.get(entry.path) ?? []).filter((name) => !gone.has(`${entry.path}/${name}`));
  if (left.length === 0) {
    // The manifest stays as long as it has something to say.
    return entry.path === STATE_DIRECTORY && kept.length > 0
      ? [{ verdict: "keep", entry, why: "knows what was kept" }]
      : [{ verdict: "remove", entry, contents: false, why: null }];
  }
  if (purge && OWN_DIRECTORIES.includes(entry.path))
    return [{ verdict: "remove", entry, contents: true, why: `with ${left.join(", ")}` }];
  return [{ verdict: "keep", entry, why: `holds ${left.slice(0, 3).join(", ")}${left.length > 3 ? ", …" : ""}` }];
}

/** On the host itself the service is stopped while what stops it is there. */
function stopCommands({ entries }: Manifest, { root, existing }: InstalledState): RemovalStep[] {
  if (root !== "/") return [];
  const files = entries.filter((entry) => entry.kind === "file" && existing.get(entry.path)?.kind === "file");
  return files.flatMap((entry): RemovalStep[] => {
    if (!("path" in entry)) return [];
    if (isUnit(entry.path)) return [{ verdict: "run", argv: ["systemctl", "stop", "haproxy-lite.service"] }];
    return /\/init\.d\/haproxy-lite$/.test(entry.path) ? [{ verdict: "run", argv: [entry.path, "stop"] }] : [];
  });
}

function isUnit(path: string): boolean {
  return path === "/etc/systemd/system/haproxy-lite.service";
}

function isOwned(now: Existing | undefined, { uid, gid }: AccountIds): boolean {
  return (now?.kind === "file" || now?.kind === "directory") && (now.uid === uid || now.gid === gid);
}
