import { connect } from "node:net";
import { bindListeners, closeListeners } from "../../../../src/net/listen.ts";
import { atEnd } from "../../../support/cleanup.ts";
import { freePort } from "../../../support/ports.ts";
import { until } from "../../../support/until.ts";

/** A server that swallows SYNs: its accept queue is full and nobody accepts. Connecting to it takes for ever. */
export async function swallowingServer(): Promise<string> {
  const port = freePort();
  const fds = bindListeners({ kind: "tcp", host: "127.0.0.1", port }, { sockets: 1, backlog: 0 });
  const fillers = Array.from({ length: 3 }, () => connect(port, "127.0.0.1").on("error", () => {}));
  atEnd(() => {
    closeListeners(fds);
    for (const filler of fillers) filler.destroy();
  });
  // The kernel keeps one more than the backlog; those beyond it stay in SYN_SENT.
  await until("the accept queue to be full", () => fillers.filter((filler) => !filler.connecting).length >= 1);
  return `127.0.0.1:${port}`;
}

/** A server that takes connections in the kernel and never accepts them: a process that hangs. */
export function hangingServer(backlog = 128): string {
  const port = freePort();
  const fds = bindListeners({ kind: "tcp", host: "127.0.0.1", port }, { sockets: 1, backlog });
  atEnd(() => closeListeners(fds));
  return `127.0.0.1:${port}`;
}
