import { randomBytes } from "node:crypto";
import type { AdminCommand } from "../admin/command.ts";
import { answerWhole } from "../admin/protocol.ts";
import type { StatsConfig } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import { Level } from "../core/syslogCodes.ts";
import type { LogEvent } from "../log/events.ts";
import { libc } from "../net/libc.ts";
import type { JournalEvent } from "../stats/event.ts";
import type { History } from "../stats/page/model.ts";
import type { Snapshot } from "../stats/snapshot.ts";
import type { Standing } from "../stats/standing.ts";
import { HttpServer } from "../web/server.ts";
import { StatsSite } from "../web/site.ts";
import type { BindSockets } from "./protocol.ts";

/** What the statistics are made of, and who hears of them. */
export interface StatsParts {
  readonly clock: Clock;
  readonly commands: readonly AdminCommand[];
  snapshotSteps(): Generator<null, Snapshot>;
  standing(): Standing;
  history(): History;
  events(): readonly JournalEvent[];
  log(event: LogEvent): void;
  /** All sockets of a bind that `[stats]` has not any more are closed. */
  onBindClosed(bind: number): void;
}

const SECRET_BYTES = 32;

/** `[stats]` at work: its sockets, its server, and what that answers. Nothing of it is needed by anything else. */
export class StatsService {
  private readonly secret = randomBytes(SECRET_BYTES);
  private server: HttpServer | null = null;
  private site: StatsSite | null = null;
  private isOpen = false;

  constructor(
    private config: StatsConfig | null,
    private binds: readonly BindSockets[],
    private readonly parts: StatsParts,
  ) {}

  /** Serves from now on. */
  open(): void {
    this.isOpen = true;
    this.follow();
  }

  /** Takes over another configuration, on the sockets of these binds: some that it has, and some that were passed to it. */
  reload(config: StatsConfig | null, binds: readonly number[], passed: readonly BindSockets[]): void {
    const gone = this.binds.filter(({ id }) => !binds.includes(id));
    this.config = config;
    this.binds = [...this.binds, ...passed].filter(({ id }) => binds.includes(id));
    if (this.isOpen) this.follow();
    for (const { id, fds } of gone) {
      closeAll(fds);
      this.parts.onBindClosed(id);
    }
  }

  /** Stops accepting; who is being served is served. */
  leave(): void {
    this.server?.leave();
  }

  /** The process is about to end: `done` is called when whoever has asked is answered, after a second at most. */
  finish(done: () => void): void {
    if (this.server === null) done();
    else this.server.finish(done);
  }

  /** Serves nobody any more. */
  stop(): void {
    this.server?.stop();
  }

  /** The same, and somebody else may have the addresses. */
  close(): void {
    this.stop();
    this.server?.listen([]);
    for (const { fds } of this.binds) closeAll(fds);
    this.binds = [];
  }

  private follow(): void {
    const { config } = this;
    if (config === null) {
      this.server?.listen([]);
      return;
    }
    this.site ??= this.newSite(config);
    this.site.config = config;
    this.server ??= this.newServer(config.maxconn, this.site);
    this.server.maxconn = config.maxconn;
    this.server.listen(this.binds.flatMap(({ fds }) => fds));
  }

  private newServer(maxconn: number, site: StatsSite): HttpServer {
    return new HttpServer({
      maxconn,
      clock: this.parts.clock,
      handler: (request) => site.answer(request),
      onFailure: (error) =>
        this.parts.log({ level: Level.alert, text: `[stats]: a request failed: ${messageOf(error)}` }),
    });
  }

  private newSite(config: StatsConfig): StatsSite {
    const { clock, snapshotSteps, standing, history, events } = this.parts;
    const view = {
      snapshotSteps,
      standing,
      events,
      history,
      answers: () => this.server?.answers ?? new Map<number, number>(),
      wallMs: () => clock.wallMs(),
      execute: (words: readonly string[], by: string) => this.execute(words, by),
    };
    return new StatsSite(config, view, this.secret);
  }

  private async execute(words: readonly string[], by: string): Promise<string> {
    const said = (await answerWhole(words, this.parts.commands)).trim();
    const outcome = said === "" ? "" : `: ${said.split("\n")[0]}`;
    this.parts.log({ level: Level.notice, text: `${by}: ${words.join(" ")}${outcome}` });
    return said;
  }
}

function closeAll(fds: readonly number[]): void {
  for (const fd of fds) libc.close(fd);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
