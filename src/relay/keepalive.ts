import type { KeepaliveConfig } from "../config/schema.ts";
import { IPPROTO_TCP, SOL_SOCKET, setSocketOption } from "../net/libc.ts";
import { fdOf, type StreamSocket } from "../net/stream.ts";

const SO_KEEPALIVE = 9;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;

/** Turns the kernel's TCP keepalive on, with what the config says of its timers. A unix socket has none: left alone. */
export function applyKeepalive(socket: StreamSocket<unknown> | null, keepalive: KeepaliveConfig): void {
  if (socket === null || socket.remotePort === undefined) return;
  const fd = fdOf(socket);
  if (fd < 0) return;
  setSocketOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  if (keepalive.idleS !== null) setSocketOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, keepalive.idleS);
  if (keepalive.intervalS !== null) setSocketOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, keepalive.intervalS);
  if (keepalive.count !== null) setSocketOption(fd, IPPROTO_TCP, TCP_KEEPCNT, keepalive.count);
}
