import { type Message, refused } from "../command.ts";
import type { OperatedListen, OperatedServer, Operator } from "../operator.ts";

/** HAProxy counts proxies from here on, its own socket being the first, and servers from 1. */
const FIRST_PROXY_ID = 2;
const FIRST_SERVER_ID = 1;

/** A server and its listen. */
export interface Found {
  readonly listen: OperatedListen;
  readonly server: OperatedServer;
}

/** The two names in "listen/server"; null when there are no two. */
export function bothNames(word: string | undefined): { listen: string; server: string } | null {
  const [, listen, server] = /^([^/]+)\/(.+)$/s.exec(word ?? "") ?? [];
  return listen === undefined || server === undefined ? null : { listen, server };
}

/** The listen of that name, or of that number, "#2"; null: there is none. */
export function findListen({ listens }: Operator, name: string): OperatedListen | null {
  return find(listens, name, FIRST_PROXY_ID);
}

/** The server that "listen/server" names, or HAProxy's sentence why there is none. */
export function findServer(operator: Operator, word: string | undefined): Found | Message {
  const names = bothNames(word);
  if (names === null) return refused("Require 'backend/server'.");
  const listen = findListen(operator, names.listen);
  if (listen === null) return refused("No such backend.");
  const server = find(listen.servers, names.server, FIRST_SERVER_ID);
  return server === null ? refused("No such server.") : { listen, server };
}

function find<T extends { readonly name: string }>(all: readonly T[], name: string, firstId: number): T | null {
  const id = /^#(\d{1,9})$/.exec(name)?.[1];
  return (id === undefined ? all.find((each) => each.name === name) : all[Number(id) - firstId]) ?? null;
}
