import { UserError } from "../core/errors.ts";
import { addressSpaceProblem } from "../core/limits.ts";

const EXIT_FAILED = 1;

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

function likelyCause(): string {
  const { BUN_JSC_useJIT } = process.env;
  if (BUN_JSC_useJIT !== undefined) return `BUN_JSC_useJIT=${BUN_JSC_useJIT} in the environment: remove it`;
  return (
    addressSpaceProblem() ??
    "this process may not have memory that is writable and executable: remove MemoryDenyWriteExecute= from the unit, or allow execmem in SELinux"
  );
}
