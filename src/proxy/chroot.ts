import { ephemeralPorts } from "../core/host.ts";
import { errno, libc, SystemError } from "../net/libc.ts";
import { type CodeMapping, findCode } from "../net/startupPages.ts";

/** What the proxy process reads from files of the system, none of which is there in a chroot. */
export interface HostFacts {
  ephemeralPorts: { low: number; high: number } | null;
  code: readonly CodeMapping[];
}

/** Reads it all; also the time zone, which the runtime keeps from then on. */
export function readHostFacts(): HostFacts {
  new Date().getTimezoneOffset();
  return { ephemeralPorts: ephemeralPorts(), code: findCode() };
}

/** Makes a directory the root of all that this process sees of the file system. Throws SystemError. */
export function enterChroot(directory: string): void {
  if (libc.chroot(Buffer.from(`${directory}\0`)) < 0) throw new SystemError(`chroot to ${directory}`, errno());
  process.chdir("/"); // a current directory outside would be a way out
}
