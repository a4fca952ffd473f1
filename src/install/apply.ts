import { mkdirSync } from "node:fs";
import { UserError } from "../core/errors.ts";
import { findAccount, makeAccount } from "./accounts.ts";
import { type Command, shellText } from "./command.ts";
import {
  changeRights,
  inTree,
  makeDirectory,
  putCopy,
  putLink,
  putText,
  type Rights,
  removeFile,
  type Undo,
} from "./disk.ts";
import type { AccountIds } from "./facts.ts";
import type { Owner } from "./item.ts";
import { type Entry, type Manifest, renderManifest } from "./manifest.ts";
import { MANIFEST, SERVICE } from "./paths.ts";
import { ownerIds, type Plan, type Step, type Verdict } from "./plan.ts";
import { runTool } from "./tool.ts";

const EXIT_FAILED = 1;

/** Where a plan is carried out. */
export interface Place {
  /** "/", or the directory of a tree. */
  root: string;
  /** Version of the program, for the manifest. */
  version: string;
  /** The manifest as it is now; null: none. */
  manifest: Manifest | null;
  account: AccountIds;
}

/**
 * Carries a plan out, then runs its commands. A step that fails takes back all before it, and throws a UserError that says
 * where; a command that fails is only told. Returns those complaints.
 */
export function applyPlan(plan: Plan, commands: readonly Command[], place: Place): string[] {
  const undo: Undo[] = [];
  let account = place.account;
  for (const step of plan.steps) {
    try {
      undo.unshift(applyStep(step, place.root, account));
      if (step.verdict === "create" && step.item.kind === "account") account = findAccount(place.root, SERVICE);
    } catch (error) {
      throw undone(nameOf(step), error, undo);
    }
  }
  try {
    writeManifest(place, plan.entries);
  } catch (error) {
    throw undone(MANIFEST, error, undo);
  }
  const { complaints, entries } = runCommands(commands);
  if (entries.length > 0) writeManifest({ ...place, manifest: null }, [...plan.entries, ...entries]);
  return complaints;
}

/** What has to be done so that the manifest has these entries. */
export function manifestVerdict({ version, manifest }: Place, entries: readonly Entry[]): Verdict {
  if (manifest === null) return "create";
  return renderManifest(manifest) === renderManifest({ version, entries }) ? "keep" : "change";
}

/** Writes what is installed now, unless the manifest says so already. Throws fs errors. */
export function writeManifest(place: Place, entries: readonly Entry[]): void {
  if (manifestVerdict(place, entries) === "keep") return;
  const text = renderManifest({ version: place.version, entries });
  putText(inTree(place.root, MANIFEST), text, { mode: 0o644, uid: 0, gid: 0 });
}

function applyStep(step: Step, root: string, account: AccountIds): Undo {
  if (step.verdict === "keep") return () => {};
  if (step.verdict === "remove") return removeFile(inTree(root, step.path));
  const { item } = step;
  if (item.kind === "account") return makeAccount(root, item, step as { user: boolean; group: boolean });
  const path = inTree(root, item.path);
  switch (item.kind) {
    case "link":
      return putLink(path, item.target);
    case "directory":
      return step.verdict === "create"
        ? makeDirectory(path, rightsOf(item, account), (each) => mkdirSync(each))
        : changeRights(path, rightsOf(item, account));
    case "file":
      return putText(path, item.content, rightsOf(item, account));
    case "program":
      return putCopy(path, item.source, item.sha256, rightsOf(item, account));
  }
}

function rightsOf({ mode, owner }: { mode: number; owner: Owner }, account: AccountIds): Rights {
  const [uid, gid] = ownerIds(owner, account);
  if (uid === null || gid === null) throw new Error(`the account ${SERVICE} is not there`);
  return { mode, uid, gid };
}

function runCommands(commands: readonly Command[]): { complaints: string[]; entries: Entry[] } {
  const complaints: string[] = [];
  const undo: (readonly string[])[] = [];
  for (const command of commands) {
    if (command.unless !== null && runTool(command.unless).ok) continue;
    const condition = command.onlyIf === null ? null : runTool(command.onlyIf);
    if (condition?.ok === false) {
      complaints.push(`not run: ${shellText(command.argv)}\n  ${shellText(command.onlyIf ?? [])}: ${condition.output}`);
      continue;
    }
    const { ok, output } = runTool(command.argv);
    if (!ok) complaints.push(`failed: ${shellText(command.argv)}\n  ${output}`);
    else if (command.undo !== null) undo.unshift(command.undo);
  }
  return { complaints, entries: undo.length === 0 ? [] : [{ kind: "firewall", undo }] };
}

/** Takes everything back, and makes the sentence about it. */
function undone(where: string, cause: unknown, undo: readonly Undo[]): UserError {
  const stuck: string[] = [];
  for (const each of undo) {
    try {
      each();
    } catch (error) {
      stuck.push(messageOf(error));
    }
  }
  const end =
    stuck.length === 0
      ? "everything done before was taken back"
      : `not everything could be taken back: ${stuck.join("; ")}`;
  return new UserError(`install stopped at ${where}: ${messageOf(cause)}\n  ${end}`, EXIT_FAILED, { cause });
}

function nameOf(step: Step): string {
  if (step.verdict === "remove") return step.path;
  return step.item.kind === "account" ? `the account ${step.item.name}` : step.item.path;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
