import { readdirSync } from "node:fs";
import type { Endpoint } from "../core/endpoint.ts";
import { isListening } from "./acceptQueue.ts";
import { errno, libc, SOCK_NONBLOCK, SystemError } from "./libc.ts";
import { boundEndpoint } from "./listen.ts";

const F_GETFL = 3;
const F_SETFL = 4;
const FIRST_FD = 3;

/** A listening socket that was open when this program began. */
export interface InheritedListener {
  readonly fd: number;
  readonly endpoint: Endpoint;
}

/** Listening sockets that whoever started this program has left open for it; non-blocking from here on. */
export function inheritedListeners(): InheritedListener[] {
  return readdirSync("/proc/self/fd")
    .map(Number)
    .filter((fd) => fd >= FIRST_FD && isListening(fd))
    .flatMap((fd) => {
      const endpoint = boundEndpoint(fd);
      if (endpoint === null) return [];
      const flags = libc.fcntl(fd, F_GETFL, 0);
      // SOCK_NONBLOCK has O_NONBLOCK's value.
      if (flags < 0 || libc.fcntl(fd, F_SETFL, flags | SOCK_NONBLOCK) < 0) throw new SystemError("fcntl", errno());
      return [{ fd, endpoint }];
    });
}
