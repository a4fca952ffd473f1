import type { ServerSnapshot, Snapshot } from "./snapshot.ts";

/**
 * What is down, by name ("web/srv1", "web"): servers that checks or a missing address took out, and listens that nobody
 * serves. A server that a person put in maintenance or drains is no problem while others are left.
 */
export function findProblems(snapshot: Snapshot): { servers: string[]; listens: string[] } {
  return {
    servers: snapshot.listens.flatMap(({ name, servers }) =>
      servers.filter(isDown).map((server) => `${name}/${server.name}`),
    ),
    listens: snapshot.listens.filter(({ available }) => !available).map(({ name }) => name),
  };
}

function isDown({ admin, up, unresolved }: ServerSnapshot): boolean {
  return admin === "ready" && (!up || unresolved);
}
