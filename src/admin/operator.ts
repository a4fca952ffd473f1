import type { Accepting } from "../pool/pool.ts";
import type { AdminState, Health } from "../pool/server.ts";

/**
 * What can be changed while the balancer runs: listens and servers as things to be told. Whoever has an operator's orders
 * gives them here, be it the runtime API or the status page; it is all the same afterwards. Everything set here survives a
 * reload, unless the file says something new about it, and an upgrade.
 */
export interface Operator {
  /** The listen of that name; null: there is none. */
  listen(name: string): OperatedListen | null;
  /** Most client connections at a time over all listens. */
  readonly maxconn: number;
  /** Most that the files which the process may open allow. */
  readonly hardMaxconn: number;
  setMaxconn(maxconn: number): void;
  /** Ends a session by its number in `show sess`; false: there is none of that number. */
  endSession(id: number): Promise<boolean>;
  /** Sets the highest values seen back to what they are now; `all`: every counter to 0. */
  clearCounters(all: boolean): Promise<void>;
}

/** A listen. */
export interface OperatedListen {
  readonly name: string;
  server(name: string): OperatedServer | null;
  readonly accepting: Accepting;
  /** Accepts nobody from now on, until {@link resume}. Sessions go on. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Accepts nobody any more; its sessions go on. */
  shutDown(): Promise<void>;
  /** Most client connections at a time; null: as many as the process may have. */
  setMaxconn(maxconn: number | null): void;
  /** Adds a server, in maintenance; why that is not possible, or null: it is there. */
  addServer(server: NewServer): Promise<string | null>;
}

/** A server as it is added at run time; what is not said is as it is for the listen's other servers. */
export interface NewServer {
  readonly name: string;
  /** IP address and port. */
  readonly host: string;
  readonly port: number;
  /** Keys of a server in the file, with their values. */
  readonly keys: Readonly<Record<string, unknown>>;
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
  /** Where it is; null: its name has no address yet, or it is a unix socket. */
  readonly address: { readonly host: string; readonly port: number } | null;
  setAddress(host: string, port: number): void;
  /** Whether it has a check; and whether that is carried out. */
  readonly isChecked: boolean;
  setChecking(on: boolean): void;
  /** As if checks had found it, until they find otherwise. */
  setHealth(health: Health): void;
  /** Where its checks go, instead of to the server; a null host or port: the server's. */
  setCheckAddress(host: string | null, port: number | null): void;
  endSessions(): void;
  /** Removes it; why that is not possible, or null: it is gone. */
  remove(): Promise<string | null>;
}
