import { readFileSync } from "node:fs";

// Below the kernel's ephemeral range, where a client's TIME-WAIT cannot sit on a listener's port.
const FIRST_PORT = 20000;
const LAST_PORT = 32767;

// Parallel workers start in different places and rarely meet; the locks settle it when they do.
let next =
  FIRST_PORT + ((Number(process.env.BUN_TEST_WORKER_ID ?? 0) * 1531 + process.pid * 7) % (LAST_PORT - FIRST_PORT));

/** Locks of the ports handed out, held as long as this test process lives. */
const locks: Bun.UnixSocketListener<undefined>[] = [];

/**
 * A port that nothing on this machine uses, for TCP and UDP, IPv4 and IPv6, and that no other test process
 * on this machine was or will be given while this one runs.
 */
export function freePort(): number {
  for (let tries = FIRST_PORT; tries <= LAST_PORT; tries++) {
    const port = next;
    next = next === LAST_PORT ? FIRST_PORT : next + 1;
    if (lock(port) && canListen(port) && !udpInUse(port)) return port;
  }
  throw new Error(`no free port from ${FIRST_PORT} to ${LAST_PORT}`);
}

/** `count` ports as `freePort` gives them. */
export function freePorts(count: number): number[] {
  return Array.from({ length: count }, freePort);
}

/** An abstract unix socket is a machine-wide lock that the kernel drops with its process. */
function lock(port: number): boolean {
  try {
    const held = Bun.listen({ unix: `\0haproxy-lite-test-port-${port}`, socket: { data() {} } });
    held.unref();
    locks.push(held);
    return true;
  } catch {
    return false;
  }
}

function canListen(port: number): boolean {
  for (const hostname of ["0.0.0.0", "::"]) {
    try {
      Bun.listen({ hostname, port, socket: { data() {} }, ...(hostname === "::" && { ipv6Only: true }) }).stop(true);
    } catch (failure) {
      if ((failure as NodeJS.ErrnoException).code === "EADDRINUSE") return false;
    }
  }
  return true;
}

/** True when a UDP socket is bound to the port, by the kernel's table: Bun binds UDP only asynchronously. */
function udpInUse(port: number): boolean {
  const local = new RegExp(`^ *\\d+: [0-9A-F]+:${port.toString(16).toUpperCase().padStart(4, "0")} `, "m");
  return ["/proc/net/udp", "/proc/net/udp6"].some((table) => {
    try {
      return local.test(readFileSync(table, "latin1"));
    } catch {
      return false; // no IPv6 in this kernel
    }
  });
}
