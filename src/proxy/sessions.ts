import { type SessionView, threadOf } from "../pool/sessionView.ts";
import type { RelayAnswer, RelayCommand } from "../relay/protocol.ts";

/** The relay threads, as far as sessions are concerned. */
interface Threads {
  readonly threads: number;
  askOne(thread: number, command: (version: number) => RelayCommand): Promise<RelayAnswer>;
  tellOne(thread: number, command: RelayCommand): void;
}

/** The sessions of all relay threads: told of a page at a time, found and ended by their number. */
export class SessionList {
  private lists = 0;

  constructor(private readonly relays: Threads) {}

  /**
   * Those that live now, thread after thread, in pages; the next page is not asked for before it is wanted. Those that
   * begin meanwhile are not among them, those that end may be. `detail`: with our own addresses.
   */
  async *pages(detail: boolean): AsyncGenerator<SessionView[]> {
    for (let thread = 0; thread < this.relays.threads; thread++) yield* this.pagesOf(thread, detail);
  }

  /** How one stands; null: there is no such session. */
  find(id: number): Promise<SessionView | null> {
    return this.one(id, null);
  }

  /** Ends one, with this termination state; false: there was no such session. */
  async end(id: number, termination: string): Promise<boolean> {
    return (await this.one(id, termination)) !== null;
  }

  private async *pagesOf(thread: number, detail: boolean): AsyncGenerator<SessionView[]> {
    const list = this.lists++;
    let hasMore = true;
    try {
      while (hasMore) {
        const answer = await this.relays.askOne(thread, (version) => ({ kind: "list", version, list, detail }));
        hasMore = answer.kind === "sessions" && answer.hasMore;
        if (answer.kind === "sessions" && answer.sessions.length > 0) yield answer.sessions;
      }
    } finally {
      if (hasMore) this.relays.tellOne(thread, { kind: "dropList", list });
    }
  }

  private async one(id: number, termination: string | null): Promise<SessionView | null> {
    const thread = threadOf(id);
    if (!(thread >= 0 && thread < this.relays.threads)) return null;
    const answer = await this.relays.askOne(thread, (version) => ({ kind: "session", version, id, termination }));
    return answer.kind === "session" ? answer.session : null;
  }
}
