import { readFileSync } from "node:fs";
import { UserError } from "../core/errors.ts";

const EXIT_FAILED = 1;
/** Address space with which the runtime's compiler works for certain; with half of it, it did not. */
const ENOUGH_MIB = 4096;

/**
 * What `open` returns, which calls C and so needs the runtime's just-in-time compiler. The runtime switches that off
 * without a word where it is not given memory for it: throws UserError with the likely cause then.
 */
export function compiled<T>(open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof TypeError) || !error.message.includes("JIT")) throw error;
    throw new UserError(
      `the just-in-time compiler is off, and nothing works without it\n  ${likelyCause()}`,
      EXIT_FAILED,
    );
  }
}

/** Sentence about an address space so small that the compiler may be off, or memory run out; null: there is enough. */
export function addressSpaceProblem(): string | null {
  const mib = addressSpaceMib();
  if (mib >= ENOUGH_MIB) return null;
  return `the address space is limited to ${mib} MiB (ulimit -v, LimitAS=) and the runtime wants ${ENOUGH_MIB}: limit memory with MemoryMax= instead`;
}

function likelyCause(): string {
  const { BUN_JSC_useJIT } = process.env;
  if (BUN_JSC_useJIT !== undefined) return `BUN_JSC_useJIT=${BUN_JSC_useJIT} in the environment: remove it`;
  return (
    addressSpaceProblem() ??
    "this process may not have memory that is writable and executable: remove MemoryDenyWriteExecute= from the unit, or allow execmem in SELinux"
  );
}

/** RLIMIT_AS, read without calling C. Infinity: unlimited, or unknown. */
function addressSpaceMib(): number {
  try {
    const soft = /^Max address space\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1];
    return soft === undefined ? Number.POSITIVE_INFINITY : Math.floor(Number(soft) / 2 ** 20);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
