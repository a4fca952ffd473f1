import { rmdirSync, rmSync } from "node:fs";
import { removeAccount } from "./accounts.ts";
import { type Place, writeManifest } from "./apply.ts";
import { shellText } from "./command.ts";
import { inTree, removeFile } from "./disk.ts";
import type { Entry, Manifest } from "./manifest.ts";
import { MANIFEST, STATE_DIRECTORY } from "./paths.ts";
import { isWorthRemembering, type RemovableEntry, type RemovalStep } from "./removal.ts";
import { runTool } from "./tool.ts";

/**
 * Carries a removal out as far as it goes; what cannot be removed stays in the manifest. Returns complaints, one for each
 * step that failed.
 */
export function applyRemoval(steps: readonly RemovalStep[], manifest: Manifest, place: Place): string[] {
  const complaints: string[] = [];
  const kept: Entry[] = [];
  for (const step of steps) {
    // The last moment to remove the manifest is before its directory.
    if (isStateDirectory(step) && !isWorthRemembering(kept)) rmSync(inTree(place.root, MANIFEST), { force: true });
    applyStep(step, place.root, kept, complaints);
  }
  if (isWorthRemembering(kept))
    writeManifest(
      place,
      manifest.entries.filter((entry) => kept.includes(entry)),
    );
  else rmSync(inTree(place.root, MANIFEST), { force: true });
  return complaints;
}

function applyStep(step: RemovalStep, root: string, kept: Entry[], complaints: string[]): void {
  if (step.verdict === "run") {
    const { ok, output } = runTool(step.argv);
    if (!ok) complaints.push(`failed: ${shellText(step.argv)}\n  ${output}`);
    return;
  }
  const { entry } = step;
  if (step.verdict === "keep") {
    kept.push(entry);
    return;
  }
  try {
    remove(entry, step.contents, root);
  } catch (error) {
    kept.push(entry);
    complaints.push(`not removed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function remove(entry: RemovableEntry, contents: boolean, root: string): void {
  switch (entry.kind) {
    case "file":
    case "link":
      removeFile(inTree(root, entry.path));
      return;
    case "directory":
      if (contents) rmSync(inTree(root, entry.path), { recursive: true });
      else rmdirSync(inTree(root, entry.path));
      return;
    case "account":
      removeAccount(root, entry.name, entry, entry.created);
  }
}

function isStateDirectory(step: RemovalStep): boolean {
  return step.verdict !== "run" && step.entry.kind === "directory" && step.entry.path === STATE_DIRECTORY;
}
