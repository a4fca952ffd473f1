import { sendFds } from "../net/fdPassing.ts";
import { SystemError } from "../net/libc.ts";
import type { ProxyReload, ProxyReport, ReloadResult } from "../proxy/protocol.ts";
import type { PreparedListeners } from "./listeners.ts";
import type { ProxyChild } from "./proxyChild.ts";

/** What comes of a reload when there is no proxy process to have any. */
export const NOTHING_RUNS: ReloadResult = { error: null, overruled: [], leaving: [] };

/** Tells proxy processes of other configurations, one at a time, and hears what came of it. */
export class ReloadTalk {
  private told = 0;
  private waiting: { child: ProxyChild; reload: number; resolve(result: ReloadResult): void } | null = null;

  /**
   * Has a proxy process take over another configuration. The promise never fails: a process that ends meanwhile has taken
   * over nothing.
   */
  async tell(
    child: ProxyChild,
    terms: Pick<ProxyReload, "config" | "maxconn" | "files">,
    { listens, stats, admin, opened }: PreparedListeners,
  ): Promise<ReloadResult> {
    const fds = opened.flatMap((bind) => bind.fds);
    const reload = ++this.told;
    try {
      sendFds(child.passing, reload, fds);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      return { ...NOTHING_RUNS, error: `the new listening sockets cannot be passed on: ${error.message}` };
    }
    return await new Promise((resolve) => {
      this.waiting = { child, reload, resolve };
      child.send({
        kind: "reload",
        reload,
        ...terms,
        passed: opened.map((bind) => ({ id: bind.id, fds: bind.fds.length })),
        listens: listens.map(({ listen, binds }) => ({ listen, binds: binds.map(({ id }) => id) })),
        stats: stats.map(({ id }) => id),
        admin: admin.map(({ id }) => id),
      });
    });
  }

  answered({ kind: _kind, reload, ...result }: Extract<ProxyReport, { kind: "reloaded" }>): void {
    if (this.waiting?.reload === reload) this.end(result);
  }

  ended(child: ProxyChild, reason: string): void {
    if (this.waiting?.child === child)
      this.end({ ...NOTHING_RUNS, error: `the proxy process ended meanwhile (${reason})` });
  }

  private end(result: ReloadResult): void {
    this.waiting?.resolve(result);
    this.waiting = null;
  }
}
