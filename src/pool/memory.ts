import { isDeepStrictEqual } from "node:util";
import type { Endpoint } from "../core/endpoint.ts";
import { type AdminState, adminInFile, type PoolServer, type RuntimePlace } from "./server.ts";

/** How a server stands, for the process that takes over from this one. Plain JSON; ages instead of times. */
export interface ServerMemory {
  readonly admin: AdminState;
  /** The administrative state that the file asked for. */
  readonly adminInFile: AdminState;
  /** The same of the weight, and of the limit of sessions. */
  readonly weight: number;
  readonly weightInFile: number;
  readonly maxconn: number | null;
  readonly maxconnInFile: number | null;
  readonly up: boolean;
  /** Those from here to `place` are missing in what earlier versions say. */
  readonly stopping?: boolean;
  readonly isChecked?: boolean;
  readonly place?: Readonly<RuntimePlace> & {
    /** What the file said of both addresses. */
    readonly inFile: { readonly address: Endpoint; readonly checkAddress: Endpoint | null };
  };
  readonly inStateMs: number;
  /** How long it has been ramping up; null: it is not. */
  readonly rampingMs: number | null;
  readonly downtimeMs: number;
  readonly downs: number;
}

/** How a server stands at that time, monotonic ms. */
export function memoryOf(server: PoolServer, nowMs: number): ServerMemory {
  const { admin, weight, maxconn, config, rampingSinceMs, address, checkAt, checking } = server;
  return {
    admin,
    adminInFile: adminInFile(config),
    weight,
    weightInFile: config.weight,
    maxconn,
    maxconnInFile: config.maxconn,
    up: server.up,
    stopping: server.stopping,
    isChecked: config.check !== null,
    place: {
      address,
      checkAt,
      checking,
      inFile: { address: config.address, checkAddress: config.check?.address ?? null },
    },
    inStateMs: nowMs - server.changedMs,
    rampingMs: rampingSinceMs === null ? null : nowMs - rampingSinceMs,
    downtimeMs: server.downtimeMs,
    downs: server.downs,
  };
}

/** Puts a server where it stood; what an operator wanted holds unless the file says something else than it did then. */
export function recall(server: PoolServer, memory: ServerMemory, nowMs: number): void {
  const { config } = server;
  if (memory.adminInFile === adminInFile(config)) server.admin = memory.admin;
  if (memory.weightInFile === config.weight) server.weight = memory.weight;
  if (memory.maxconnInFile === config.maxconn) server.maxconn = memory.maxconn;
  if (config.check !== null || memory.isChecked === false) server.up = memory.up;
  server.stopping = server.up && memory.stopping === true;
  recallPlace(server, memory);
  server.changedMs = nowMs - memory.inStateMs;
  server.downtimeMs = memory.downtimeMs;
  server.downs = memory.downs;
  const { rampingMs } = memory;
  server.rampingSinceMs = rampingMs !== null && rampingMs < config.slowstartMs ? nowMs - rampingMs : null;
}

function recallPlace(server: PoolServer, { place }: ServerMemory): void {
  if (place === undefined) return;
  const { address, check } = server.config;
  if (isDeepStrictEqual(place.inFile.address, address)) server.address = place.address;
  if (isDeepStrictEqual(place.inFile.checkAddress, check?.address ?? null)) server.checkAt = place.checkAt;
  server.checking = place.checking;
}
