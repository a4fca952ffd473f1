import type { JournalEvent } from "../event.ts";
import type { PageFilter } from "../filter.ts";
import type { Snapshot } from "../snapshot.ts";

/** All that the status page shows: plain data. */
export interface PageModel extends PageFilter {
  readonly snapshot: Snapshot;
  readonly history: History;
  /** The last ones, newest first. */
  readonly events: readonly JournalEvent[];
  /** The moment of the snapshot, epoch ms. */
  readonly wallMs: number;
  /** Path of the page, as `uri` has it. */
  readonly uri: string;
  /** The page reloads itself this often without JavaScript; null: it does not. */
  readonly refreshS: number | null;
  readonly hideVersion: boolean;
  /** The token that actions need; null: the page can change nothing. */
  readonly csrf: string | null;
  /** What came of the action that led here; null: none did. */
  readonly notice: { readonly ok: boolean; readonly text: string } | null;
}

/** The last minutes, oldest first, a sample each `stepMs`; `by` a listen's name. */
export interface History {
  readonly stepMs: number;
  readonly process: HistorySeries;
  readonly listens: Readonly<Record<string, HistorySeries>>;
}

export interface HistorySeries {
  /** Sessions at that moment. */
  readonly sessions: readonly number[];
  /** Bytes per second from clients, and to them. */
  readonly bytesIn: readonly number[];
  readonly bytesOut: readonly number[];
}
