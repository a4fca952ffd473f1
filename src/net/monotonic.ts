import { errno, libc, SystemError } from "./libc.ts";

const CLOCK_MONOTONIC = 1;

/** Microseconds of CLOCK_MONOTONIC, which all processes of a host share; the runtime's own clock begins with the process. */
export function monotonicMicros(): bigint {
  // struct timespec: seconds, nanoseconds
  const time = new BigInt64Array(new ArrayBuffer(16));
  if (libc.clock_gettime(CLOCK_MONOTONIC, time) < 0) throw new SystemError("clock_gettime", errno());
  return (time[0] as bigint) * 1_000_000n + (time[1] as bigint) / 1000n;
}
