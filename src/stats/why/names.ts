import type { ListenSnapshot, ServerSnapshot, Snapshot } from "../snapshot.ts";
import type { VrrpInstanceSnapshot } from "../vrrpSnapshot.ts";

/** What a name means. */
export type Named =
  | { readonly kind: "server"; readonly listen: ListenSnapshot; readonly server: ServerSnapshot }
  | { readonly kind: "listen"; readonly listen: ListenSnapshot }
  | { readonly kind: "instance"; readonly instance: VrrpInstanceSnapshot }
  | { readonly kind: "process" }
  /** Servers of several listens have it. */
  | { readonly kind: "ambiguous"; readonly meanings: readonly string[] }
  | { readonly kind: "unknown" };

/** What the process as a whole is called. */
export const PROCESS_NAME = "process";

/**
 * Whom a name means: "listen/server", a listen, a virtual router, one of its addresses with or without prefix length, a server if
 * only one has that name, or the process.
 */
export function findNamed({ listens, vrrp }: Snapshot, name: string): Named {
  for (const listen of listens) {
    const server = listen.servers.find((each) => `${listen.name}/${each.name}` === name);
    if (server !== undefined) return { kind: "server", listen, server };
  }
  const listen = listens.find((each) => each.name === name);
  if (listen !== undefined) return { kind: "listen", listen };
  const instances = vrrp?.instances ?? [];
  const instance = instances.find((each) => each.name === name) ?? instances.find((each) => hasAddress(each, name));
  if (instance !== undefined) return { kind: "instance", instance };
  const servers = listens.flatMap((each) =>
    each.servers.filter((server) => server.name === name).map((server) => ({ listen: each, server })),
  );
  const [only, ...others] = servers;
  if (only !== undefined && others.length === 0) return { kind: "server", ...only };
  if (only !== undefined) return { kind: "ambiguous", meanings: servers.map((each) => `${each.listen.name}/${name}`) };
  return { kind: name === PROCESS_NAME ? "process" : "unknown" };
}

/** All names that mean something, those that people use first. */
export function allNames({ listens, vrrp }: Snapshot): string[] {
  const servers = listens.flatMap((listen) => listen.servers.map((server) => `${listen.name}/${server.name}`));
  const short = listens.flatMap((listen) => listen.servers.map((server) => server.name));
  const instances = vrrp?.instances ?? [];
  return [
    ...listens.map((listen) => listen.name),
    ...instances.map((instance) => instance.name),
    ...servers,
    ...new Set(short),
    PROCESS_NAME,
  ];
}

function hasAddress({ addresses }: VrrpInstanceSnapshot, text: string): boolean {
  return addresses.some(({ address }) => address === text || address.split("/")[0] === text);
}
