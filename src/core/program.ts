import { accessSync, closeSync, constants, openSync, readSync, statSync } from "node:fs";

/** The kernel reads no more than this of a file to find out how to run it (BINPRM_BUF_SIZE). */
const HEAD_BYTES = 256;

/**
 * Why the kernel would not run the program at this absolute path, as the end of the sentence "PATH …"; null when nothing
 * speaks against it, or when this user may not find out.
 */
export function programProblem(path: string): string | null {
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) return "is a directory";
    if (!stat.isFile()) return "is no regular file";
    accessSync(path, constants.X_OK);
    return headProblem(head(path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP") return "does not exist";
    return code === "EACCES" && isFile(path) ? "is not executable (chmod +x)" : null;
  }
}

/**
 * Why somebody other than root could put another program at this absolute path, as the end of the sentence "PATH …"; null when
 * nobody can. What root runs must not be theirs to change (keepalived's enable_script_security).
 */
export function insecurePath(path: string): string | null {
  const parts = path.split("/").filter((part) => part !== "");
  for (let length = parts.length; length >= 0; length -= 1) {
    const place = `/${parts.slice(0, length).join("/")}`;
    const problem = isOthersToChange(place);
    if (problem) return `can be changed by others than root (${place})`;
  }
  return null;
}

const GROUP_WRITES = 0o020;
const OTHERS_WRITE = 0o002;
const STICKY = 0o1000;

function isOthersToChange(place: string): boolean {
  try {
    const { mode, uid, gid } = statSync(place);
    if (uid !== 0) return true;
    const writers = ((mode & GROUP_WRITES) !== 0 && gid !== 0) || (mode & OTHERS_WRITE) !== 0;
    return writers && (mode & STICKY) === 0;
  } catch {
    return false; // what is not there cannot be run either, and programProblem says so
  }
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false; // a directory on the way is closed to us
  }
}

function head(path: string): string | null {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch {
    return null; // may be executable without being readable
  }
  try {
    const bytes = new Uint8Array(HEAD_BYTES);
    return Buffer.from(bytes.subarray(0, readSync(fd, bytes))).toString("latin1");
  } finally {
    closeSync(fd);
  }
}

/** A shell would run a text without "#!" itself; execve does not, and takes a carriage return for a part of the name. */
function headProblem(text: string | null): string | null {
  if (text === null) return null;
  if (!text.startsWith("#!")) return /^[\t\r\n -~]*$/.test(text) ? 'has no "#!" line to say what runs it' : null;
  const [line = ""] = text.slice(2).split("\n");
  const interpreter = line.trimStart().split(/[ \t]/)[0] ?? "";
  if (interpreter.endsWith("\r")) return 'has Windows line endings: its "#!" line names no program';
  if (programExists(interpreter)) return null;
  return `is to be run by ${interpreter === "" ? "nothing" : interpreter}, which does not exist`;
}

function programExists(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
