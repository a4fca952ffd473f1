/**
 * Runs a command line as another machine or a strict service manager would:
 *
 *   bun confine.ts [--no-syscalls-after NR] [--no-executable-memory] -- COMMAND…
 *
 * --no-syscalls-after: every system call with a higher number is unknown (ENOSYS), as on a kernel that is older than they
 * are: 334 is the last one of Linux 4.18 on x86-64, 313 that of 3.10. No compiler is needed: the filter is a classic BPF
 * program, installed from here before the command is executed.
 * --no-executable-memory: memory is never writable and executable (MemoryDenyWriteExecute=, here PR_SET_MDWE of Linux 6.3).
 */
import { ptr } from "bun:ffi";
import { parseArgs } from "node:util";
import { encodeFilter, JUMP_IF_EQUAL, RETURN } from "../../src/net/bpf.ts";
import { execute } from "../../src/net/execute.ts";
import { errno, libc } from "../../src/net/libc.ts";

const PR_SET_SECCOMP = 22;
const SECCOMP_MODE_FILTER = 2;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_SET_MDWE = 65;
const PR_MDWE_REFUSE_EXEC_GAIN = 1;
/** Exit status where this kernel cannot confine as asked. */
const CANNOT = 99;

/** struct seccomp_data: int nr, u32 arch, … */
const NR = 0;
const ARCH = 4;
const AUDIT_ARCH_X86_64 = 0xc000003e;
/** Operation codes that no filter of ours has. */
const LOAD_WORD = 0x20;
const JUMP_IF_GREATER = 0x25;
const ALLOW = 0x7fff0000;
const FAIL_WITH = 0x00050000;
const ENOSYS = 38;

function forgetSyscallsAfter(last: number): void {
  const program = [
    [LOAD_WORD, 0, 0, ARCH],
    [JUMP_IF_EQUAL, 0, 3, AUDIT_ARCH_X86_64],
    [LOAD_WORD, 0, 0, NR],
    [JUMP_IF_GREATER, 0, 1, last],
    [RETURN, 0, 0, FAIL_WITH | ENOSYS],
    [RETURN, 0, 0, ALLOW],
  ] as const;
  const filter = encodeFilter(program);
  const install = (): number => libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, BigInt(ptr(filter.descriptor)), 0, 0);
  if (install() === 0) return;
  // Who is not root may filter only what can never gain privileges.
  libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (install() !== 0) throw new Error(`PR_SET_SECCOMP: errno ${errno()}`);
}

const { values, positionals } = parseArgs({
  options: { "no-syscalls-after": { type: "string" }, "no-executable-memory": { type: "boolean" } },
  allowPositionals: true,
});
if (values["no-syscalls-after"] !== undefined) forgetSyscallsAfter(Number(values["no-syscalls-after"]));
if (values["no-executable-memory"] && libc.prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) !== 0)
  process.exit(CANNOT);
execute(Bun.which(positionals[0] ?? "") ?? "", positionals);
