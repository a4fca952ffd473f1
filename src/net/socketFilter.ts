import { encodeFilter, type FilterInstruction, RETURN } from "./bpf.ts";
import { SOL_SOCKET, setSocketOptionBytes } from "./libc.ts";

const SO_ATTACH_FILTER = 26;

/** Lets nothing in: for a socket that only sends. */
export const DROP_ALL: readonly FilterInstruction[] = [[RETURN, 0, 0, 0]];

/**
 * Lets the kernel drop what the program returns 0 for before it is queued, and cut the rest to the length it returns.
 * Frames already queued stay. Throws SystemError.
 */
export function attachFilter(fd: number, program: readonly FilterInstruction[]): void {
  const filter = encodeFilter(program);
  setSocketOptionBytes(fd, SOL_SOCKET, SO_ATTACH_FILTER, filter.descriptor);
}
