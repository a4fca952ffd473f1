import type { ServerWords } from "../config/addedServer.ts";
import type { Accepting } from "../pool/pool.ts";
import type { AdminState, CheckPlace, Health } from "../pool/server.ts";

/**
 * What can be changed while the balancer runs: listens and servers as things to be told. Whoever has an operator's orders
 * gives them here, be it the runtime API or the status page; it is all the same afterwards. Everything set here survives a
 * reload, unless the file says something new about it, and an upgrade.
 */
export interface Operator {
  /** In the order of the file. */
  readonly listens: readonly OperatedListen[];
  /** Most client connections at a time over all listens. */
  readonly maxconn: number;
  /** Most that can be set: what the file asks for, as far as the process may have so many open files. */
  readonly hardMaxconn: number;
  setMaxconn(maxconn: number): void;
  /** Sets the highest values seen back; `all`: every counter. */
  clearCounters(all: boolean): Promise<void>;
}

/** A listen. */
export interface OperatedListen {
  readonly name: string;
  /** In the order of the file, those that were added later last. */
  readonly servers: readonly OperatedServer[];
  readonly accepting: Accepting;
  /** Its servers keep the weights that they have in the file, or have none: `static-rr`. */
  readonly hasStaticWeights: boolean;
  /** Refuses clients from now on, until {@link resume}. Sessions go on. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Refuses clients for good; sessions go on. */
  shutDown(): Promise<void>;
  /** Most client connections at a time; null: as many as the process may have. */
  setMaxconn(maxconn: number | null): void;
  /** Adds a server, in maintenance; why that is not possible, or null: it is there. */
  addServer(server: ServerWords): Promise<string | null>;
}

/** A server of a listen. */
export interface OperatedServer {
  readonly name: string;
  readonly admin: AdminState;
  setAdmin(admin: AdminState): void;
  /** 0..256, as set; and as the file has it. */
  readonly weight: number;
  readonly weightInFile: number;
  setWeight(weight: number): void;
  /** null: no limit. */
  setMaxconn(maxconn: number | null): void;
  /** Where it is dialled, a name where that has no address yet; null: a unix socket. */
  readonly address: { readonly host: string; readonly port: number } | null;
  setAddress(host: string, port: number): void;
  /** Whether it has a check, carried out or not. */
  readonly isChecked: boolean;
  /** Whether its check is carried out; its health stays what it is while it is not. */
  setChecking(on: boolean): void;
  /** As if checks had found it, until they find otherwise. */
  setHealth(health: Health): void;
  /** Where its checks go. */
  readonly checkPlace: CheckPlace;
  setCheckPlace(place: CheckPlace): void;
  /** Whether somebody is on it, or waits for it. */
  readonly hasSessions: boolean;
  endSessions(): void;
  /** Removes it; why that is not possible, or null: it is gone. */
  remove(): Promise<string | null>;
}
