import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { asDirectoryOwner } from "../net/asOwner.ts";
import { errno, libc, SystemError } from "../net/libc.ts";

const LOCK_EX = 2;
const LOCK_NB = 4;
const EWOULDBLOCK = 11;
/** Others that start or stop in the same instant may take the file away between two looks; not for long. */
const TRIES = 50;

/** Another running instance holds the pid file; `pid` is what stands in it, null when that cannot be told. */
export class PidFileHeld extends Error {
  constructor(
    readonly path: string,
    readonly pid: number | null,
  ) {
    super(`${path} is held by ${pid === null ? "another instance" : `the running instance with pid ${pid}`}`);
  }
}

/**
 * Writes the pid so that a reader sees all of it or nothing, and locks the file until this process ends or releases it,
 * which the returned function does: it also removes the file, if it is still ours. A file that nobody has locked is left
 * over from a crash, and replaced. Throws {@link PidFileHeld}, SystemError, or fs errors.
 */
export function claimPidFile(path: string, pid: number): () => void {
  return asDirectoryOwner(path, () => claim(path, pid));
}

function claim(path: string, pid: number): () => void {
  const temporary = `${path}.${pid}`;
  rmSync(temporary, { force: true });
  // Close-on-exec, as all that node:fs opens: nobody whom we start holds the lock along with us.
  const fd = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o644);
  try {
    fchmodSync(fd, 0o644); // whatever the umask is
    writeSync(fd, `${pid}\n`);
    if (!lock(fd)) throw new PidFileHeld(temporary, null);
    putInPlace(temporary, path);
  } catch (error) {
    closeSync(fd);
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
  return release(fd, path, pid);
}

/** The descriptor of a pid file that was claimed, until it is released; null: none of that path is. */
export function pidFileDescriptor(path: string): number | null {
  return claimed.get(path) ?? null;
}

/** Goes on holding a pid file that another program claimed in this very process; the function releases it. */
export function keepPidFile(path: string, fd: number, pid: number): () => void {
  return release(fd, path, pid);
}

const claimed = new Map<string, number>();

function release(fd: number, path: string, pid: number): () => void {
  claimed.set(path, fd);
  return () => {
    claimed.delete(path);
    try {
      // Whoever wrote another pid into it has a use for it.
      asDirectoryOwner(path, () => {
        if (isAt(fd, path) && readFileSync(path, "utf8") === `${pid}\n`) rmSync(path);
      });
    } catch {
      // Removed by somebody else: all the same to us.
    }
    closeSync(fd);
  };
}

/** The new file appears under the name, whole and locked, where no file is or one that nobody holds. */
function putInPlace(temporary: string, path: string): void {
  for (let tries = 0; tries < TRIES; tries++) {
    const old = openOld(path);
    if (old === null) {
      if (linked(temporary, path)) return;
      continue;
    }
    try {
      if (!lock(old)) throw new PidFileHeld(path, pidIn(old));
      // While we hold the old one's lock, nobody else replaces it; but somebody may have before.
      if (!isAt(old, path)) continue;
      renameSync(temporary, path);
      return;
    } finally {
      closeSync(old);
    }
  }
  throw new PidFileHeld(path, null);
}

function openOld(path: string): number | null {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** False when a file of that name has appeared meanwhile. */
function linked(temporary: string, path: string): boolean {
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function lock(fd: number): boolean {
  if (libc.flock(fd, LOCK_EX | LOCK_NB) === 0) return true;
  const code = errno();
  if (code === EWOULDBLOCK) return false;
  throw new SystemError("flock", code);
}

function isAt(fd: number, path: string): boolean {
  const there = statSync(path, { throwIfNoEntry: false });
  const ours = fstatSync(fd);
  return there !== undefined && there.ino === ours.ino && there.dev === ours.dev;
}

function pidIn(fd: number): number | null {
  const pid = Number(readFileSync(fd, "latin1").trim());
  return Number.isInteger(pid) && pid > 0 ? pid : null;
}
