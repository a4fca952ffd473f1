import { constants } from "node:os";

// Where a number has two names, the later entry wins: EAGAIN is also EWOULDBLOCK, and nobody looks for that.
const NAMES = new Map<number, string>(Object.entries(constants.errno).map(([name, code]) => [code, name]));
NAMES.set(constants.errno.EAGAIN, "EAGAIN");

/** "ECONNREFUSED" for 111; "E7777" for a number that has no name. */
export function errnoName(code: number): string {
  return NAMES.get(code) ?? `E${code}`;
}
