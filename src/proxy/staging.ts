import { isDeepStrictEqual } from "node:util";
import type { Config, ListenConfig, ServerConfig } from "../config/schema.ts";
import type { Pool } from "../pool/pool.ts";
import type { PoolServer } from "../pool/server.ts";
import type { RelayListenStart } from "../relay/protocol.ts";

/** One listen of a configuration to come, and how what runs becomes that. */
export interface StagedListen {
  readonly config: ListenConfig;
  /** The one that goes on under this name; null: the listen is new. */
  readonly pool: Pool | null;
  /** Servers that stay, or come back while they leave, by slot; those that are new, each with a free slot; and those to go. */
  readonly kept: readonly StagedServer[];
  readonly added: readonly StagedServer[];
  readonly removed: readonly PoolServer[];
}

export interface StagedServer {
  readonly slot: number;
  readonly config: ServerConfig;
}

/** Listens and servers are matched by name. A string says why it cannot be. Changes nothing. */
export function stage(config: Config, running: ReadonlyMap<string, Pool>): StagedListen[] | string {
  const staged: StagedListen[] = [];
  for (const listen of config.listens) {
    const one = stageListen(listen, running.get(listen.name) ?? null);
    if (typeof one === "string") return one;
    staged.push(one);
  }
  return staged;
}

function stageListen(config: ListenConfig, pool: Pool | null): StagedListen | string {
  if (pool === null) return { config, pool, kept: [], added: [], removed: [] };
  const kept: StagedServer[] = [];
  const unmatched: ServerConfig[] = [];
  for (const server of config.servers) {
    const known = pool.servers.find((each) => isSame(each, server));
    if (known === undefined) unmatched.push(server);
    else kept.push({ slot: known.slot, config: server });
  }
  const slots = pool.freeSlots(unmatched.length);
  if (slots === null) {
    const { capacity } = pool.board;
    return `listen ${config.name} has room for ${capacity} servers, those included that were removed and still have sessions: ${unmatched.length} more do not fit before a restart`;
  }
  const stays = new Set(kept.map(({ slot }) => slot));
  return {
    config,
    pool,
    kept,
    added: unmatched.map((server, i) => ({ slot: slots[i] as number, config: server })),
    removed: pool.servers.filter(({ slot, leavingUntilMs }) => leavingUntilMs === null && !stays.has(slot)),
  };
}

/** A server that leaves comes back when the file has it again as it was; with another address it is another one. */
function isSame(server: PoolServer, config: ServerConfig): boolean {
  if (server.config.name !== config.name) return false;
  return server.leavingUntilMs === null || isDeepStrictEqual(server.config.address, config.address);
}

/** What relay threads are to know of a listen that runs as it is. */
export function dutyOf(pool: Pool, id: number): Omit<RelayListenStart, "sockets"> {
  return {
    id,
    config: pool.config,
    servers: pool.slots.map((server) => server?.config ?? null),
    order: pool.servers.map(({ slot }) => slot),
    fresh: [],
    board: pool.board.share(),
    accepting: pool.accepting === "open",
  };
}

/** What they are to know of it when it has become what was staged. */
export function stagedDuty(staged: StagedListen, pool: Pool, id: number): Omit<RelayListenStart, "sockets"> {
  const duty = dutyOf(pool, id);
  if (staged.pool === null) return duty;
  const servers = [...duty.servers];
  for (const { slot, config } of [...staged.kept, ...staged.added]) {
    while (servers.length <= slot) servers.push(null);
    servers[slot] = config;
  }
  const bySlot = new Map([...staged.kept, ...staged.added].map(({ slot, config }) => [config.name, slot]));
  return {
    ...duty,
    config: staged.config,
    servers,
    order: staged.config.servers.map(({ name }) => bySlot.get(name) as number),
    fresh: staged.added.map(({ slot }) => slot),
  };
}
