import { readdirSync, readFileSync } from "node:fs";

/** The kernel's unit of CPU time towards user space, USER_HZ: 100 on every architecture Linux still builds for that we run on. */
const TICKS_PER_SECOND = 100;

/** One process, from `/proc/PID/stat` (proc_pid_stat(5)). */
export interface ProcessStat {
  pid: number;
  parentPid: number;
  /** User + system time of all its threads, ended ones included, in ticks. */
  ownTicks: number;
  /** The same of its children that ended and were waited for, and theirs. */
  reapedTicks: number;
}

/** Reads the line of `/proc/PID/stat`. The command, in parentheses, may itself hold blanks and parentheses. */
export function parseStat(line: string): ProcessStat {
  const field = line
    .slice(line.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  // field[0] is the third of the manual page, the state.
  const at = (manualNumber: number): number => {
    const value = field[manualNumber - 3];
    if (value === undefined || Number.isNaN(value))
      throw new Error(`no field ${manualNumber} in ${JSON.stringify(line)}`);
    return value;
  };
  return { pid: Number.parseInt(line, 10), parentPid: at(4), ownTicks: at(14) + at(15), reapedTicks: at(16) + at(17) };
}

/** Memory of one process, from `/proc/PID/smaps_rollup`, in bytes. */
export interface ProcessMemory {
  /** Resident pages, shared ones counted whole. */
  rssBytes: number;
  /** Resident pages, each divided by the number of processes that share it. */
  pssBytes: number;
  /** Resident pages that belong to no file: heap and stacks. */
  anonymousBytes: number;
}

/** Reads the text of `/proc/PID/smaps_rollup`. */
export function parseSmapsRollup(text: string): ProcessMemory {
  const bytes = (key: string): number => {
    const found = new RegExp(`^${key}: +(\\d+) kB$`, "m").exec(text);
    if (found === null) throw new Error(`no ${key} in smaps_rollup`);
    return Number(found[1]) * 1024;
  };
  return { rssBytes: bytes("Rss"), pssBytes: bytes("Pss"), anonymousBytes: bytes("Anonymous") };
}

/** The process `rootPid` and everything below it, out of a list of all processes. */
export function subtree(all: readonly ProcessStat[], rootPid: number): ProcessStat[] {
  const tree = all.filter((each) => each.pid === rootPid);
  for (const parent of tree)
    tree.push(...all.filter((each) => each.parentPid === parent.pid && each.pid !== parent.pid));
  return tree;
}

/** All processes of a product right now: `rootPid` and its descendants. */
export function processTree(rootPid: number): ProcessStat[] {
  return subtree(allProcesses(), rootPid);
}

function allProcesses(): ProcessStat[] {
  const found: ProcessStat[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      found.push(parseStat(readFileSync(`/proc/${name}/stat`, "latin1")));
    } catch (failure) {
      if (!isGone(failure)) throw failure;
    }
  }
  return found;
}

function isGone(failure: unknown): boolean {
  const code = (failure as NodeJS.ErrnoException).code;
  return code === "ENOENT" || code === "ESRCH";
}

/** CPU seconds that the processes of a list have used. `reaped` adds their ended children. */
export function cpuSeconds(tree: readonly ProcessStat[], reaped: boolean): number {
  const ticks = tree.reduce((sum, each) => sum + each.ownTicks + (reaped ? each.reapedTicks : 0), 0);
  return ticks / TICKS_PER_SECOND;
}

/** Memory of all processes of a product, added up. */
export function treeMemory(rootPid: number): ProcessMemory {
  const sum: ProcessMemory = { rssBytes: 0, pssBytes: 0, anonymousBytes: 0 };
  for (const { pid } of processTree(rootPid)) {
    const one = parseSmapsRollup(readFileSync(`/proc/${pid}/smaps_rollup`, "latin1"));
    sum.rssBytes += one.rssBytes;
    sum.pssBytes += one.pssBytes;
    sum.anonymousBytes += one.anonymousBytes;
  }
  return sum;
}

/** Seconds of CPU time the whole machine spent in processes so far, from `/proc/stat`: user + nice + system. */
export function machineCpuSeconds(): number {
  const fields = readFileSync("/proc/stat", "latin1").split("\n", 1)[0]?.trim().split(/\s+/) ?? [];
  return (Number(fields[1]) + Number(fields[2]) + Number(fields[3])) / TICKS_PER_SECOND;
}

/** Hard limit of open files, which children get as their limit. */
export function openFilesLimit(): number {
  const limits = readFileSync("/proc/self/limits", "latin1");
  return Number(/^Max open files +\S+ +(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
}
