import { assertNever } from "../core/errors.ts";
import { Level } from "../core/syslogCodes.ts";
import {
  type Cause,
  downServerEntersDrain,
  downServerEntersMaintenance,
  type LogEvent,
  noServerAvailable,
  type ServerName,
  serverDown,
  serverEntersDrain,
  serverEntersMaintenance,
  serverLeavesDrain,
  serverLeavesMaintenance,
  serverRemainsInDrain,
  serverStopping,
  serverUp,
} from "../log/events.ts";
import type { PoolEvent } from "../pool/event.ts";
import type { PoolServer } from "../pool/server.ts";

/** HAProxy's sentence for what happened to a server; `cause` is the check, the traffic error, or the order behind it. */
export function describePoolEvent(listen: string, event: PoolEvent, cause: Cause): LogEvent {
  const { server, activeServers, backupServers, sessions, requeued, queued } = event;
  const name = { backend: listen, server: server.config.name, backup: server.config.backup };
  const left = { activeServers, backupServers, sessions, requeued, queued };
  const state = server.up ? "UP" : "DOWN";
  switch (event.kind) {
    case "down":
      return serverDown(name, cause, left, server.admin === "drain");
    case "up":
      return serverUp(name, cause, left);
    case "stopping":
      return serverStopping(name, cause, left);
    case "rampEnded":
      return serverUp(name, null, left);
    case "noServer":
      return noServerAvailable(listen);
    case "resolved":
      return serverResolved(name, server);
    case "entersMaintenance":
      return server.up
        ? serverEntersMaintenance(name, left, event.before === "drain")
        : downServerEntersMaintenance(name);
    case "leavesMaintenance":
      return serverLeavesMaintenance(name, state, server.admin === "drain" ? "DRAIN" : "READY");
    case "entersDrain":
      return server.up ? serverEntersDrain(name, left) : downServerEntersDrain(name, left);
    case "remainsInDrain":
      return serverRemainsInDrain(name);
    case "leavesDrain":
      return serverLeavesDrain(name, state);
    default:
      return assertNever(event.kind);
  }
}

function serverResolved({ backend, server: id, backup }: ServerName, { config, up, admin }: PoolServer): LogEvent {
  const state = `${up ? "UP" : "DOWN"}/${admin === "drain" ? "DRAIN" : "READY"}`;
  const title = `${backup ? "Backup " : ""}Server ${backend}/${id}`;
  return { level: Level.notice, text: `${title} ('${config.hostname}') is ${state} (resolves again).` };
}
