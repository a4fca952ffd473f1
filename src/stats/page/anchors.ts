import { assertNever } from "../../core/errors.ts";
import type { EventSubject } from "../event.ts";

/** Ids of what the page shows, so that sentences can lead there; as an id and after "#" they are written alike. */

/** One that was removed may stand beside its successor of the same name. */
export function listenId(listen: string, leaving = false): string {
  return `l:${encodeURIComponent(listen)}${leaving ? "~" : ""}`;
}

/** See {@link listenId}; servers that were removed likewise. */
export function serverId(listen: string, server: string, leaving = false): string {
  return `s:${encodeURIComponent(listen)}/${encodeURIComponent(server)}${leaving ? "~" : ""}`;
}

/** Of a virtual router. */
export function instanceId(instance: string): string {
  return `v:${encodeURIComponent(instance)}`;
}

/** Of what an event is about; null: the process. */
export function subjectId(subject: EventSubject): string | null {
  switch (subject.kind) {
    case "process":
      return null;
    case "listen":
      return listenId(subject.listen);
    case "server":
      return serverId(subject.listen, subject.server);
    case "instance":
      return instanceId(subject.instance);
    default:
      return assertNever(subject);
  }
}
