import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";

/** Who may do what with a file, in numbers. */
export interface Rights {
  mode: number;
  uid: number;
  gid: number;
}

/** Takes one change back. */
export type Undo = () => void;

/** Ends in "~": no reader of a directory of snippets takes it for one, should we be killed half-way. */
let counter = 0;
function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}.${counter++}~`);
}

/** The path of a host that is kept below `root` ("/" or a directory). */
export function inTree(root: string, path: string): string {
  return root === "/" ? path : `${root}${path}`;
}

/** Puts a text at a path, whatever was there, so that a reader sees the old or the new one, whole. Throws fs errors. */
export function putText(path: string, content: string, rights: Rights): Undo {
  return put(path, rights, (temporary) => writeFileSync(temporary, content, { mode: 0o600, flag: "wx" }));
}

/** Puts a copy of the file `source` at a path, as `putText` does. Throws unless the copy has that SHA-256. */
export function putCopy(path: string, source: string, sha256: string, rights: Rights): Undo {
  return put(path, rights, (temporary) => {
    copyFileSync(source, temporary);
    if (sha256OfFile(temporary) !== sha256) throw new Error(`${source} changed while it was copied`);
  });
}

/** Makes a symbolic link, whatever was there. Throws fs errors. */
export function putLink(path: string, target: string): Undo {
  const temporary = temporaryName(path);
  symlinkSync(target, temporary);
  return replace(path, temporary);
}

/** Makes a directory. Throws fs errors. */
export function makeDirectory(path: string, rights: Rights, make: (path: string) => void): Undo {
  make(path);
  const undo = (): void => rmdirSync(path);
  try {
    setRights(path, rights);
  } catch (error) {
    undo();
    throw error;
  }
  return undo;
}

/** Sets owner and mode of what is there. Throws fs errors. */
export function changeRights(path: string, rights: Rights): Undo {
  const { mode, uid, gid } = lstatSync(path);
  const undo = (): void => setRights(path, { mode: mode & 0o7777, uid, gid });
  try {
    setRights(path, rights);
  } catch (error) {
    undo();
    throw error;
  }
  return undo;
}

/** Removes a file or link that may be gone already. Throws fs errors. */
export function removeFile(path: string): Undo {
  const backup = moveAside(path);
  return backup ?? (() => {});
}

/** Lower-case hexadecimal SHA-256 of a file, which is not read into memory at once. Throws fs errors. */
export function sha256OfFile(path: string): string {
  const hasher = new Bun.CryptoHasher("sha256");
  hasher.update(readFileSync(path));
  return hasher.digest("hex");
}

function put(path: string, rights: Rights, write: (temporary: string) => void): Undo {
  const temporary = temporaryName(path);
  try {
    write(temporary);
    const fd = openSync(temporary, "r");
    try {
      fchownSync(fd, rights.uid, rights.gid);
      // After the owner: a change of owner takes set-id bits away, and hardened hosts have a umask of 077.
      fchmodSync(fd, rights.mode);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    return replace(path, temporary);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Renames over what is there; what was there can be had back. */
function replace(path: string, temporary: string): Undo {
  const giveBack = keepCopy(path);
  renameSync(temporary, path);
  syncDirectory(path);
  return giveBack ?? (() => rmSync(path));
}

/** What gives the present file or link back; null: there is none. */
function keepCopy(path: string): Undo | null {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return null;
  if (stat.isSymbolicLink()) {
    const target = readlinkSync(path);
    return () => void putLink(path, target);
  }
  if (!stat.isFile()) throw new Error("there is something that is no file");
  const content = readFileSync(path);
  const rights = { mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid };
  return () => void put(path, rights, (temporary) => writeFileSync(temporary, content, { mode: 0o600, flag: "wx" }));
}

function moveAside(path: string): Undo | null {
  const undo = keepCopy(path);
  if (undo !== null) {
    rmSync(path);
    syncDirectory(path);
  }
  return undo;
}

function setRights(path: string, { mode, uid, gid }: Rights): void {
  chownSync(path, uid, gid);
  chmodSync(path, mode);
}

/** A rename is on the disk when its directory is. */
function syncDirectory(path: string): void {
  const fd = openSync(dirname(path), "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
