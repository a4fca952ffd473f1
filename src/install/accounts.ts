import { lstatSync, readFileSync } from "node:fs";
import { ACCOUNT_FILES, type AccountWish, GROUP, idOf, PASSWD, withAccount, withoutAccount } from "./accountFiles.ts";
import { inTree, putText, removeFile, type Undo } from "./disk.ts";
import type { AccountIds } from "./facts.ts";
import { runTool } from "./tool.ts";

/** What is missing of an account. */
export interface AccountParts {
  user: boolean;
  group: boolean;
}

/** Ids of an account: on the host by its own name service, in a tree by its files. */
export function findAccount(root: string, name: string): AccountIds {
  const texts = readTexts(root);
  const look = (database: string, path: string): number | null => {
    const found = root === "/" ? runTool(["getent", database, name]) : null;
    // No getent, or nobody of that name.
    return idOf(found?.ok ? found.output : texts.get(path), name);
  };
  return { uid: look("passwd", PASSWD), gid: look("group", GROUP) };
}

/** Makes what is missing of a system account: with the host's tools, or in a tree's files. Throws what stood in the way. */
export function makeAccount(root: string, wish: AccountWish, missing: AccountParts): Undo {
  if (root !== "/") return rewrite(root, withAccount(readTexts(root), wish));
  const { name, home, shell } = wish;
  const undo: string[][] = [];
  const takeBack = (): void => {
    for (const argv of undo.splice(0)) mustRun(argv);
  };
  try {
    if (missing.group) {
      mustRun(["groupadd", "-r", name]);
      undo.unshift(["groupdel", name]);
    }
    if (missing.user) {
      mustRun(["useradd", "-r", "-g", name, "-M", "-d", home, "-s", shell, "-c", name, name]);
      // userdel takes the group of the same name along, where login.defs says so.
      undo.unshift(["userdel", name]);
    }
  } catch (error) {
    takeBack();
    throw error;
  }
  return takeBack;
}

/** Removes an account, or the part of it that is named. Throws what stood in the way. */
export function removeAccount(root: string, name: string, parts: AccountParts, created: readonly string[]): void {
  if (root !== "/") {
    rewrite(root, withoutAccount(readTexts(root), name, parts));
    for (const path of created) if (readFileSync(inTree(root, path), "utf8") === "") removeFile(inTree(root, path));
    return;
  }
  const ids = findAccount(root, name);
  if (parts.user && ids.uid !== null) mustRun(["userdel", name]);
  if (parts.group && findAccount(root, name).gid !== null) mustRun(["groupdel", name]);
}

function mustRun(argv: readonly string[]): void {
  // userdel may have taken the group.
  if (argv[0] === "groupdel" && findAccount("/", argv[1] ?? "").gid === null) return;
  const { ok, output } = runTool(argv);
  if (!ok) throw new Error(`${argv[0]}: ${output === "" ? "failed" : output}`);
}

function readTexts(root: string): Map<string, string> {
  const texts = new Map<string, string>();
  for (const path of [...ACCOUNT_FILES, "/etc/shadow", "/etc/gshadow"]) {
    try {
      texts.set(path, readFileSync(inTree(root, path), "utf8"));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // A plan can be made by somebody who may not read shadow files.
      if (code !== "ENOENT" && code !== "ENOTDIR" && code !== "EACCES") throw error;
    }
  }
  return texts;
}

function rewrite(root: string, changed: ReadonlyMap<string, string>): Undo {
  const undo: Undo[] = [];
  const takeBack = (): void => {
    for (const each of undo.splice(0)) each();
  };
  try {
    for (const [path, text] of changed) {
      const host = inTree(root, path);
      const now = lstatSync(host, { throwIfNoEntry: false });
      const rights =
        now === undefined ? { mode: 0o644, uid: 0, gid: 0 } : { mode: now.mode & 0o7777, uid: now.uid, gid: now.gid };
      undo.unshift(putText(host, text, rights));
    }
  } catch (error) {
    takeBack();
    throw error;
  }
  return takeBack;
}
