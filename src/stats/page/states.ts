import type { ListenSnapshot, ServerSnapshot } from "../snapshot.ts";
import type { VrrpInstanceSnapshot } from "../vrrpSnapshot.ts";
import { instanceTone } from "../vrrpWording.ts";
import { listenTone, serverTone } from "../wording.ts";

/**
 * How something stands, as the style sheet knows it: each has a colour and a shape, and stands beside its state in words.
 * ok: circle; warn, about to change or at a limit: diamond; bad: triangle; maint: square; drain: half circle;
 * none, nobody checks it: ring.
 */
export type Look = "ok" | "warn" | "bad" | "maint" | "drain" | "none";

/** Of a server. */
export function serverLook({ status }: Pick<ServerSnapshot, "status">): Look {
  switch (serverTone(status)) {
    case "green":
      return "ok";
    case "red":
      return "bad";
    case "yellow":
      return status === "MAINT" ? "maint" : status.startsWith("DRAIN") ? "drain" : "warn";
    case null:
      return "none";
  }
}

const LOOKS = { green: "ok", yellow: "warn", red: "bad" } as const;

/** Of a listen. */
export function listenLook({ status }: Pick<ListenSnapshot, "status">): Look {
  return LOOKS[listenTone(status) ?? "green"];
}

/** Of a virtual router; BACKUP is as well as MASTER is. */
export function instanceLook(instance: VrrpInstanceSnapshot): Look {
  return LOOKS[instanceTone(instance) ?? "green"];
}
