import { readFileSync } from "node:fs";

/** What limits this process has, read without calling C. */

/** Address space with which the runtime's compiler works for certain; with half of it, it did not. */
const ENOUGH_MIB = 4096;
const CAP_SYS_RESOURCE = 24n;

/** Sentence about an address space so small that the compiler may be off, or memory run out; null: there is enough. */
export function addressSpaceProblem(): string | null {
  const mib = Math.floor((limit("address space")?.soft ?? Number.POSITIVE_INFINITY) / 2 ** 20);
  if (mib >= ENOUGH_MIB) return null;
  return `the address space is limited to ${mib} MiB (ulimit -v, LimitAS=) and the runtime wants ${ENOUGH_MIB}: limit memory with MemoryMax= instead`;
}

/** How many files a process started like this one could have open, after it has raised its limit; null: unknown. */
export function openFilesWithin(): number | null {
  const hard = limit("open files")?.hard ?? null;
  if (hard === null || !mayRaiseLimits()) return hard;
  try {
    return Math.max(hard, Number(readFileSync("/proc/sys/fs/nr_open", "latin1")));
  } catch {
    return hard;
  }
}

/** A line of /proc/self/limits; Infinity: unlimited. null: the kernel does not say. */
function limit(name: string): { soft: number; hard: number } | null {
  const line = new RegExp(`^Max ${name}\\s+(\\S+)\\s+(\\S+)`, "m").exec(own("limits"));
  if (line === null) return null;
  const [soft = 0, hard = 0] = line.slice(1).map((text) => (text === "unlimited" ? Number.POSITIVE_INFINITY : +text));
  return { soft, hard };
}

function mayRaiseLimits(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(own("status"))?.[1] ?? "0";
  return (BigInt(`0x${effective}`) & (1n << CAP_SYS_RESOURCE)) !== 0n;
}

function own(file: string): string {
  try {
    return readFileSync(`/proc/self/${file}`, "latin1");
  } catch {
    return "";
  }
}
