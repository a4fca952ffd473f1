import { hides } from "./filter.ts";
import type { ListenSnapshot, ProcessSnapshot, ServerSnapshot, Snapshot } from "./snapshot.ts";

/** What every row of `show stat` knows: the listen it is about, and the numbers that HAProxy gives to proxies and servers. */
interface RowOf<Kind> {
  readonly kind: Kind;
  readonly listen: ListenSnapshot;
  readonly process: ProcessSnapshot;
  /** From 2 on: HAProxy's own socket is the first proxy. */
  readonly iid: number;
  /** From 1 on; 0: the listen itself. */
  readonly sid: number;
}

/** A listen, as clients see it. */
export type FrontendRow = RowOf<"frontend">;
/** A listen's servers, taken together. */
export type BackendRow = RowOf<"backend">;
/** One server of it. */
export type ServerRow = RowOf<"server"> & { readonly server: ServerSnapshot };

/** A row of `show stat`. */
export type StatRow = FrontendRow | BackendRow | ServerRow;

/** Which rows to leave out; the numbers are HAProxy's. */
export interface StatFilter {
  /** `pxname`, or its `iid`; null: all. */
  readonly proxy: string | null;
  /** Bits: 1 frontends, 2 backends, 4 servers. */
  readonly types: number;
  /** A part of `pxname`; without it: all. */
  readonly scope?: string | null;
  /** `sid`; null: all. The rows of the listen itself are no matter of it. */
  readonly server: number | null;
  /** Only servers that are up; none in maintenance. */
  readonly up: boolean;
  readonly noMaintenance: boolean;
}

export const EVERYTHING: StatFilter = { proxy: null, types: 7, server: null, up: false, noMaintenance: false };

const FIRST_IID = 2;

/** The number of a listen, by its place in a snapshot. */
export function iidOf(index: number): number {
  return FIRST_IID + index;
}

/** The rows in HAProxy's order: for each listen its FRONTEND, its servers, its BACKEND. */
export function* statRows(snapshot: Snapshot, filter: StatFilter = EVERYTHING): Generator<StatRow> {
  const { process, listens } = snapshot;
  for (const [index, listen] of listens.entries()) {
    const iid = iidOf(index);
    if (filter.proxy !== null && filter.proxy !== listen.name && filter.proxy !== String(iid)) continue;
    if (filter.scope != null && !listen.name.includes(filter.scope)) continue;
    const whole = { listen, process, iid, sid: 0 };
    if (filter.types & 1) yield { kind: "frontend", ...whole };
    if (filter.types & 4) {
      for (const [slot, server] of listen.servers.entries()) {
        const sid = slot + 1;
        if ((filter.server !== null && filter.server !== sid) || hides(filter, server)) continue;
        yield { kind: "server", listen, process, iid, sid, server };
      }
    }
    if (filter.types & 2) yield { kind: "backend", ...whole };
  }
}
