import { copyFileSync, linkSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { binary, type Result, run, type StartOptions, start } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { root } from "../../support/tools.ts";

/**
 * A copy of this machine that can be changed at will: its whole file system under an overlay, with processes, network,
 * host name and /run of its own. It goes away with the test (or the file, when made outside one).
 */
export interface Host {
  /** Pid of its first process, seen from outside. */
  readonly pid: number;
  /** Runs a command on it to its end, as root. */
  run(cmd: readonly string[], options?: StartOptions & { timeoutMs?: number }): Promise<Result>;
  /** The same by a shell. */
  sh(script: string): Promise<Result>;
  /** The text of a file; throws when it is not there. */
  read(path: string): Promise<string>;
  /** Overwrites a file, whose rights stay. */
  write(path: string, text: string): Promise<void>;
}

/** Where a host has the program that is to be installed. */
export const COPY = "/opt/copied/haproxy-lite";

/** Kernel settings are one for all, but for the network's: those alone may be written. */
const SET_UP = `
set -e
mount --make-rprivate /
mount -t overlay overlay -o lowerdir=/,upperdir="$1/upper",workdir="$1/work" "$1/root"
cd "$1/root"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount --bind proc/sys/net proc/sys/net
mount -o remount,bind,rw proc/sys/net
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero random urandom full tty; do
  : >dev/$device
  mount --bind /dev/$device dev/$device
done
mkdir -p dev/shm dev/pts dev/mqueue run/lock
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ip link set lo up
`;

/** True when this machine lets us make one; a "no" is recorded as a missing tool. For `test.skipIf(!canMakeHost())`. */
export function canMakeHost(): boolean {
  return root();
}

export interface HostOptions {
  /** Further namespaces for unshare(1), "-C". */
  unshare?: readonly string[];
  /** Shell text that runs in the root directory to be, before it becomes that. */
  prepare?: string;
  /** The first process, as shell text; default: one that does nothing but bury orphans. */
  init?: string;
  /** Command line before all of it. */
  inside?: readonly string[];
  /** Further files to put there: path on it, path here. */
  files?: Readonly<Record<string, string>>;
}

/** Makes one. The program under test is at `COPY`. */
export async function makeHost({
  unshare = [],
  prepare = "",
  init = 'sh -c "while :; do sleep 3600; done"',
  inside = [],
  files = {},
}: HostOptions = {}): Promise<Host> {
  const dir = tmpDir();
  for (const name of ["upper", "work", "root"]) mkdirSync(join(dir, name));
  for (const [path, source] of Object.entries({ [COPY]: binary(), ...files }))
    putCopy(join(dir, "upper", path), source);
  // Said from inside: whoever enters before the change of root is on the real machine.
  const first = `echo "made a host"; exec ${init}`;
  const script = `${SET_UP}${prepare}\nexec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . sh -c '${first}'`;
  const namespaces = ["-m", "-n", "-p", "-u", "-i", ...unshare];
  const outer = start([...inside, "unshare", ...namespaces, "-f", "--kill-child", "sh", "-c", script, "sh", dir]);
  await outer.waitFor("made a host");
  // unshare itself stays outside.
  const pid = Number(readFileSync(`/proc/${outer.pid}/task/${outer.pid}/children`, "latin1").trim());
  const enter = ["nsenter", "-t", String(pid), "-m", "-n", "-p", "-u", "-i", ...unshare, "-r", "-w"];
  if (statSync(`/proc/${pid}/root/`).dev === statSync("/").dev) throw new Error("the host would be the real machine");
  const here = (cmd: readonly string[], options?: StartOptions & { timeoutMs?: number }): Promise<Result> =>
    run([...enter, ...cmd], options);
  return {
    pid,
    run: here,
    sh: (text) => here(["sh", "-c", text], { timeoutMs: 60_000 }),
    // From inside: a link that begins with "/" would lead to the real machine.
    async read(path) {
      const { code, stdout, stderr } = await here(["cat", path]);
      if (code !== 0) throw new Error(stderr);
      return stdout;
    },
    async write(path, text) {
      const { code, stderr } = await here(["sh", "-c", 'cat >"$1"', "sh", path], { stdin: text });
      if (code !== 0) throw new Error(stderr);
    },
  };
}

/** A link where that is possible: programs are large. */
function putCopy(path: string, source: string): void {
  mkdirSync(dirname(path), { recursive: true });
  try {
    linkSync(source, path);
  } catch {
    copyFileSync(source, path);
  }
}
