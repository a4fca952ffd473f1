import { assertNever } from "../core/errors.ts";
import { Level } from "../core/syslogCodes.ts";
import { type Cause, type LogEvent, noServerAvailable, type ServerName, serverDown, serverUp } from "../log/events.ts";
import type { PoolEvent } from "../pool/pool.ts";
import type { PoolServer } from "../pool/server.ts";

/** HAProxy's sentence for what happened to a server; `cause` is the check, or the traffic error, behind it. */
export function describePoolEvent(listen: string, event: PoolEvent, cause: Cause): LogEvent {
  const { server, activeServers, backupServers, sessions, requeued, queued } = event;
  const name = { backend: listen, server: server.config.name, backup: server.config.backup };
  switch (event.kind) {
    case "down":
      return serverDown(
        name,
        cause,
        { activeServers, backupServers, sessions, requeued, queued },
        server.admin === "drain",
      );
    case "up":
      return serverUp(name, cause, { activeServers, backupServers, requeued, queued });
    case "rampEnded":
      return serverUp(name, null, { activeServers, backupServers, requeued, queued });
    case "noServer":
      return noServerAvailable(listen);
    case "resolved":
      return serverResolved(name, server);
    default:
      return assertNever(event.kind);
  }
}

function serverResolved({ backend, server: id, backup }: ServerName, { config, up, admin }: PoolServer): LogEvent {
  const state = `${up ? "UP" : "DOWN"}/${admin === "drain" ? "DRAIN" : "READY"}`;
  const title = `${backup ? "Backup " : ""}Server ${backend}/${id}`;
  return { level: Level.notice, text: `${title} ('${config.hostname}') is ${state} (resolves again).` };
}
