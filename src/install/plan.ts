import { assertNever } from "../core/errors.ts";
import { ACCOUNT_FILES, PASSWD } from "./accountFiles.ts";
import type { AccountIds, Existing } from "./facts.ts";
import type { FileItem, Item, Owner, PathItem } from "./item.ts";
import type { Entry, Manifest } from "./manifest.ts";

/** What is done about an item. */
export type Verdict = "create" | "keep" | "change";

/** One line of a plan, and one thing to do. `why` says what a reader could not guess. */
export type Step =
  | { verdict: Verdict; item: PathItem; why: string | null }
  | { verdict: Verdict; item: Extract<Item, { kind: "account" }>; why: string | null; user: boolean; group: boolean }
  /** What an earlier version or another way of installing has left. */
  | { verdict: "remove"; path: string; why: string };

/** What is on the host now. */
export interface HostState {
  /** For every path of the items, every directory above one, and every path of the manifest. */
  existing: ReadonlyMap<string, Existing>;
  /** What was installed before; null: nothing. */
  manifest: Manifest | null;
  account: AccountIds;
}

/** Steps in order, and what the manifest will say once they are done. */
export interface Plan {
  steps: readonly Step[];
  entries: readonly Entry[];
}

/** Every path that `planInstall` asks about. */
export function pathsOf(items: readonly Item[], manifest: Manifest | null): string[] {
  const wanted = items.flatMap((item) =>
    item.kind === "account" ? [] : item.kind === "file" ? [item.path, item.path + item.beside] : [item.path],
  );
  const old = (manifest?.entries ?? []).flatMap((entry) => ("path" in entry ? [entry.path] : []));
  return [...new Set([...wanted.flatMap(ancestors), ...wanted, ...old, ...ACCOUNT_FILES])];
}

/** What has to be done so that the items are on the host; nothing but `keep` when they are. */
export function planInstall(items: readonly Item[], state: HostState): Plan {
  const planner = new Planner(state);
  for (const item of items) planner.add(item);
  return planner.finish();
}

class Planner {
  private readonly steps: Step[] = [];
  private readonly entries: Entry[] = [];
  /** Paths that are taken care of. */
  private readonly seen = new Set<string>();
  private readonly old: ReadonlyMap<string, Entry>;

  constructor(private readonly state: HostState) {
    const entries = state.manifest?.entries ?? [];
    this.old = new Map(entries.flatMap((entry) => ("path" in entry ? [[entry.path, entry] as const] : [])));
  }

  add(item: Item): void {
    if (item.kind !== "account") for (const path of ancestors(item.path)) this.addParent(path);
    switch (item.kind) {
      case "account":
        this.addAccount(item);
        break;
      case "directory":
        this.addDirectory(item);
        break;
      case "file":
        this.addFile(item);
        break;
      case "program":
        this.addProgram(item);
        break;
      case "link":
        this.addLink(item);
        break;
      default:
        assertNever(item);
    }
  }

  finish(): Plan {
    const entries = this.state.manifest?.entries ?? [];
    const removed: Step[] = [];
    for (const entry of entries) {
      if (entry.kind === "firewall") this.entries.push(entry);
      // A directory that is no longer needed may hold what others have put there since.
      else if (entry.kind === "directory" && !this.seen.has(entry.path)) this.entries.push(entry);
      else if ("path" in entry && !this.seen.has(entry.path) && this.isAsWritten(entry))
        removed.push({ verdict: "remove", path: entry.path, why: "no longer needed" });
    }
    // First: of two ways to start a service at boot there must never be both.
    return { steps: [...removed, ...this.steps], entries: this.entries };
  }

  private addAccount(item: Extract<Item, { kind: "account" }>): void {
    const { uid, gid } = this.state.account;
    const [user, group] = [uid === null, gid === null];
    const old = this.state.manifest?.entries.find((entry) => entry.kind === "account");
    const created = ACCOUNT_FILES.filter((path) => this.at(path).kind === "absent");
    if (created.length > 0) for (const path of ancestors(PASSWD)) this.addParent(path);
    this.steps.push({ item, verdict: user || group ? "create" : "keep", why: null, user, group });
    if (user || group || old !== undefined) {
      const ours = { user: user || old?.user === true, group: group || old?.group === true };
      this.entries.push({ kind: "account", name: item.name, ...ours, created: [...(old?.created ?? []), ...created] });
    }
  }

  /** A directory that is only on the way: as it is, if it is. */
  private addParent(path: string): void {
    if (this.seen.has(path)) return;
    this.seen.add(path);
    const absent = this.at(path).kind === "absent";
    if (absent)
      this.steps.push({
        item: { kind: "directory", path, mode: 0o755, owner: "root:root" },
        verdict: "create",
        why: null,
      });
    if (absent || this.old.has(path)) this.entries.push({ kind: "directory", path });
  }

  private addDirectory(item: Extract<Item, { kind: "directory" }>): void {
    const now = this.at(item.path);
    this.push(item, now.kind === "absent" ? "create" : this.hasRights(now, item) ? "keep" : "change", null);
    if (now.kind === "absent" || this.old.has(item.path)) this.entries.push({ kind: "directory", path: item.path });
  }

  private addProgram(item: Extract<Item, { kind: "program" }>): void {
    const now = this.at(item.path);
    const same = now.kind === "file" && now.sha256 === item.sha256 && this.hasRights(now, item);
    this.push(item, now.kind === "absent" ? "create" : same ? "keep" : "change", null);
    this.entries.push({ kind: "file", path: item.path, sha256: item.sha256 });
  }

  private addFile(item: FileItem): void {
    const now = this.at(item.path);
    const sha256 = digest(item.content);
    const old = this.old.get(item.path);
    if (now.kind === "absent" || (now.kind === "file" && now.sha256 === sha256)) {
      this.push(item, now.kind === "absent" ? "create" : this.hasRights(now, item) ? "keep" : "change", null);
      this.entries.push({ kind: "file", path: item.path, sha256 });
      return;
    }
    const untouched = old !== undefined && this.isAsWritten(old);
    if (item.role === "vendor" || (item.role === "settings" && untouched)) {
      this.push(item, "change", null);
      this.entries.push({ kind: "file", path: item.path, sha256 });
      return;
    }
    const beside = item.path + item.beside;
    this.push(item, "keep", `${untouched ? "as it is" : "edited"}; what is new: ${beside}`);
    // What we wrote last decides what counts as edited, also the next time.
    this.entries.push(old ?? { kind: "file", path: item.path, sha256 });
    this.addFile({ ...item, path: beside, role: "vendor" });
  }

  private addLink(item: Extract<Item, { kind: "link" }>): void {
    const now = this.at(item.path);
    const known = this.old.has(item.path);
    if (now.kind === "absent" && known) this.push(item, "keep", "taken away since it was installed");
    else if (now.kind === "link" && now.target === item.target) this.push(item, "keep", null);
    else this.push(item, now.kind === "absent" ? "create" : "change", null);
    this.entries.push({ kind: "link", path: item.path, target: item.target });
  }

  private push(item: PathItem, verdict: Verdict, why: string | null): void {
    this.seen.add(item.path);
    this.steps.push({ item, verdict, why });
  }

  private at(path: string): Existing {
    return this.state.existing.get(path) ?? { kind: "absent" };
  }

  private isAsWritten(entry: Entry): boolean {
    return isAsWritten(entry, this.state.existing);
  }

  private hasRights(now: Existing, { mode, owner }: { mode: number; owner: Owner }): boolean {
    if (now.kind !== "file" && now.kind !== "directory") return false;
    const [uid, gid] = ownerIds(owner, this.state.account);
    return now.mode === mode && now.uid === uid && now.gid === gid;
  }
}

/** Whether a file or link of the manifest is there as it was written. */
export function isAsWritten(entry: Entry, existing: ReadonlyMap<string, Existing>): boolean {
  if (entry.kind === "file") {
    const now = existing.get(entry.path);
    return now?.kind === "file" && now.sha256 === entry.sha256;
  }
  if (entry.kind !== "link") return false;
  const now = existing.get(entry.path);
  return now?.kind === "link" && now.target === entry.target;
}

/** User and group id of an owner; null: the account is not there yet. */
export function ownerIds(owner: Owner, account: AccountIds): [number | null, number | null] {
  const [user, group] = owner.split(":");
  return [user === "root" ? 0 : account.uid, group === "root" ? 0 : account.gid];
}

/** The directories above an absolute path, from the top; "/" is left out. */
export function ancestors(path: string): string[] {
  const parts = path.split("/").slice(1, -1);
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join("/")}`);
}

function digest(content: string): string {
  return new Bun.CryptoHasher("sha256").update(content).digest("hex");
}
