import { errno, libc, SystemError } from "./libc.ts";

/** Bits of capabilities(7). */
export const CAP_KILL = 5;
export const CAP_SETGID = 6;
export const CAP_SETUID = 7;
export const CAP_NET_BIND_SERVICE = 10;
export const CAP_NET_ADMIN = 12;
export const CAP_NET_RAW = 13;
export const CAP_SYS_CHROOT = 18;

const PR_CAPBSET_READ = 23;
const PR_CAPBSET_DROP = 24;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_IS_SET = 1n;
const PR_CAP_AMBIENT_CLEAR_ALL = 4n;
/** _LINUX_CAPABILITY_VERSION_3: sets of 64 bits. */
const VERSION = 0x20080522;
const BITS = Array.from({ length: 64 }, (_, bit) => bit);

/** What a thread may do; each a set of bits, see capabilities(7). */
export interface Capabilities {
  effective: bigint;
  permitted: bigint;
  inheritable: bigint;
}

/** Capabilities of the calling thread; throws SystemError. */
export function capabilities(): Capabilities {
  // struct __user_cap_data_struct { u32 effective, permitted, inheritable; } [2]: the low and the high halves
  const words = new Uint32Array(new ArrayBuffer(24));
  if (libc.capget(header(), words) < 0) throw new SystemError("capget", errno());
  const set = (at: number): bigint => BigInt(words[at] as number) | (BigInt(words[at + 3] as number) << 32n);
  return { effective: set(0), permitted: set(1), inheritable: set(2) };
}

/**
 * Gives all but these capabilities up, as far as the calling thread and all that it starts from now on are concerned: other
 * threads that run already keep theirs. Of `keep` nothing is gained. Programs that root executes afterwards get no more
 * either, if the thread may see to that (CAP_SETPCAP). Throws SystemError.
 *
 * @returns whether anything was given up that this process does not get back by executing a program: then that is how the
 *   other threads lose it as well
 */
export function keepCapabilities(keep: readonly number[]): boolean {
  const now = capabilities();
  const mask = keep.reduce((set, bit) => set | (1n << BigInt(bit)), 0n);
  const excess = BITS.filter((bit) => (now.permitted & ~mask & (1n << BigInt(bit))) !== 0n);
  const ambient = excess.filter((bit) => libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, bit, 0, 0) === 1);
  // Ends at the first bit that this kernel does not know; without CAP_SETPCAP at once.
  for (const bit of BITS) if (!keep.includes(bit) && libc.prctl(PR_CAPBSET_DROP, bit, 0, 0, 0) < 0) break;
  const permitted = now.permitted & mask;
  setCapabilities({ effective: permitted, permitted, inheritable: now.inheritable & mask });
  const isRoot = process.geteuid?.() === 0;
  const comesBack = (bit: number): boolean =>
    libc.prctl(PR_CAPBSET_READ, bit, 0, 0, 0) === 1 && (isRoot || !ambient.includes(bit));
  return excess.length > 0 && !excess.some(comesBack);
}

/** As {@link keepCapabilities} with none, the ambient ones included. */
export function dropCapabilities(): void {
  // Fails before Linux 4.3, which has no ambient set to clear.
  libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  setCapabilities({ effective: 0n, permitted: 0n, inheritable: 0n });
}

function setCapabilities({ effective, permitted, inheritable }: Capabilities): void {
  const words = new Uint32Array(new ArrayBuffer(24));
  for (const [at, set] of [effective, permitted, inheritable].entries()) {
    words[at] = Number(set & 0xffff_ffffn);
    words[at + 3] = Number(set >> 32n);
  }
  if (libc.capset(header(), words) < 0) throw new SystemError("capset", errno());
}

/** struct __user_cap_header_struct { u32 version; int pid; }: pid 0 is the calling thread. */
function header(): Uint32Array {
  return new Uint32Array([VERSION, 0]);
}
