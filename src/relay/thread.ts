import { assertNever } from "../core/errors.ts";
import { processClock } from "./processClock.ts";
import type { RelayCommand, RelayReport } from "./protocol.ts";
import { RelayThread } from "./relayThread.ts";

/** Entry of a relay thread: a Worker of the proxy process that does traffic and nothing else. */
declare const self: Worker;

const post = (report: RelayReport): void => self.postMessage(report);
let relay: RelayThread | null = null;
const NO_SESSIONS = { sessions: [], hasMore: false };

self.onmessage = (event: MessageEvent<RelayCommand>) => {
  const command = event.data;
  switch (command.kind) {
    case "start":
      relay = new RelayThread(command, processClock, post);
      relay.start();
      post({ kind: "ready" });
      return;
    case "apply":
      post({ kind: "applied", version: command.version, error: relay?.apply(command.duty) ?? null });
      return;
    case "settle":
      relay?.settle(command.graceMs);
      post({ kind: "settled", version: command.version });
      return;
    case "accepting":
      relay?.setAccepting(command.listen, command.accepting);
      post({ kind: "settled", version: command.version });
      return;
    case "clear":
      relay?.clearCounters(command.all);
      post({ kind: "settled", version: command.version });
      return;
    case "forget":
      relay?.forget(command.listen);
      return;
    case "stop":
      relay?.stop();
      return;
    case "kill":
      relay?.kill(command.listen, command.server, command.termination);
      return;
    case "list":
      post({
        kind: "sessions",
        version: command.version,
        ...(relay?.list(command.list, command.detail) ?? NO_SESSIONS),
      });
      return;
    case "dropList":
      relay?.dropList(command.list);
      return;
    case "session":
      post({
        kind: "session",
        version: command.version,
        session: relay?.session(command.id, command.termination) ?? null,
      });
      return;
    default:
      assertNever(command);
  }
};
