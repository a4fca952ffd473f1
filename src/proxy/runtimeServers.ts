import { readAddedServer, type ServerWords } from "../config/addedServer.ts";
import type { Config, ListenConfig, ServerConfig } from "../config/schema.ts";
import { formatEndpoint } from "../core/endpoint.ts";

/**
 * Servers that were added and deleted at run time, by listen. Plain JSON between two versions of this program, and never
 * changed: another takes its place.
 */
export interface RuntimeServers {
  readonly added: Readonly<Record<string, readonly ServerWords[]>>;
  readonly deleted: Readonly<Record<string, readonly DeletedServer[]>>;
}

/** A server of the file, by what the file says of it. */
export interface DeletedServer {
  readonly name: string;
  readonly address: string;
}

export const NO_RUNTIME_SERVERS: RuntimeServers = { added: {}, deleted: {} };

/** A server was added. */
export function withAdded({ added, deleted }: RuntimeServers, listen: string, server: ServerWords): RuntimeServers {
  return { added: { ...added, [listen]: [...of(added, listen), server] }, deleted };
}

/** A server was deleted: one that had been added is as if it had never been, one of the file is remembered. */
export function withDeleted({ added, deleted }: RuntimeServers, listen: string, server: ServerConfig): RuntimeServers {
  const ours = of(added, listen);
  const others = ours.filter(({ name }) => name !== server.name);
  if (others.length < ours.length) return { added: { ...added, [listen]: others }, deleted };
  const gone = { name: server.name, address: addressInFile(server) };
  return { added, deleted: { ...deleted, [listen]: [...of(deleted, listen), gone] } };
}

/** A file's configuration with what happened at run time, and what is left of that. */
export interface Overlaid {
  readonly config: Config;
  readonly runtime: RuntimeServers;
  /** What of it is not as the file has it, in words. */
  readonly notes: readonly string[];
}

/**
 * What was added stays, and what was deleted stays away, until the file says something new: it has a server of that name; it
 * has the one that was deleted at another address, or not at all; or it has no such listen.
 */
export function overlay(file: Config, runtime: RuntimeServers): Overlaid {
  const added = new Map<string, readonly ServerWords[]>();
  const deleted = new Map<string, readonly DeletedServer[]>();
  const notes: string[] = [];
  const listens = file.listens.map((listen): ListenConfig => {
    const { name } = listen;
    const away = of(runtime.deleted, name).filter((gone) => listen.servers.some((server) => isSame(gone, server)));
    const left = listen.servers.filter((server) => !away.some((gone) => gone.name === server.name));
    const ours: { words: ServerWords; config: ServerConfig }[] = [];
    for (const words of of(runtime.added, name)) {
      if (left.some((server) => server.name === words.name)) {
        notes.push(
          `server ${name}/${words.name}, added at run time, is in the file now: what the file says of it holds`,
        );
        continue;
      }
      const config = readAddedServer(listen, words);
      if (typeof config === "string") notes.push(`server ${name}/${words.name}, added at run time, goes: ${config}`);
      else ours.push({ words, config });
    }
    notes.push(
      ...away.map((gone) => `server ${name}/${gone.name}, deleted at run time, stays away although the file has it`),
      ...ours.map(({ words }) => `server ${name}/${words.name}, added at run time, stays although the file has it not`),
    );
    if (away.length > 0) deleted.set(name, away);
    if (ours.length > 0)
      added.set(
        name,
        ours.map(({ words }) => words),
      );
    if (ours.length + away.length === 0) return listen;
    return { ...listen, servers: [...left, ...ours.map(({ config }) => config)] };
  });
  return {
    config: { ...file, listens },
    runtime: { added: Object.fromEntries(added), deleted: Object.fromEntries(deleted) },
    notes,
  };
}

/** Of one listen, whatever it is called: "toString" is a name like any other. */
function of<T>(byListen: Readonly<Record<string, readonly T[]>>, listen: string): readonly T[] {
  return Object.hasOwn(byListen, listen) ? (byListen[listen] ?? []) : [];
}

function isSame(gone: DeletedServer, server: ServerConfig): boolean {
  return gone.name === server.name && gone.address === addressInFile(server);
}

function addressInFile({ address, hostname }: ServerConfig): string {
  return formatEndpoint(address.kind === "tcp" && hostname !== null ? { ...address, host: hostname } : address);
}
