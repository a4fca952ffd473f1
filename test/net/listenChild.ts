import type { Endpoint } from "../../src/core/endpoint.ts";
import { SystemError } from "../../src/net/libc.ts";
import { bindListeners, closeListeners } from "../../src/net/listen.ts";

/** What the parent wants: bind at a moment of wall time (so that two children do it together), or give back. */
export type ListenOrder = { kind: "bind"; endpoint: Endpoint; sockets: number; atWallMs: number } | { kind: "release" };

/** "bound", "released", or the errno name of the refusal. */
export type ListenAnswer = string;

let fds: number[] = [];

/** A second instance of ours, reduced to its listeners. */
process.on("message", (order: ListenOrder) => {
  if (order.kind === "release") {
    closeListeners(fds);
    fds = [];
    process.send?.("released");
    return;
  }
  while (performance.timeOrigin + performance.now() < order.atWallMs);
  try {
    fds = bindListeners(order.endpoint, { sockets: order.sockets, backlog: 16 });
    process.send?.("bound");
  } catch (error) {
    process.send?.(error instanceof SystemError ? error.code : String(error));
  }
});
process.on("disconnect", () => process.exit(0));
process.send?.("ready");
