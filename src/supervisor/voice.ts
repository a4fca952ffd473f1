import { isDeepStrictEqual } from "node:util";
import type { LogConfig } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import { Level } from "../core/syslogCodes.ts";
import type { Logger } from "../log/logger.ts";
import type { StandardStream } from "../net/standardStreams.ts";
import { openLogger } from "../relay/openLogger.ts";
import type { Chronicle, Happening } from "./chronicle.ts";

/** What the supervisor says, to the logs of the configuration and to whoever has started us. */
export class Voice {
  private logger: Logger;

  constructor(
    private logs: readonly LogConfig[],
    private readonly world: { clock: Clock; stdout: StandardStream; stderr: StandardStream },
    private readonly chronicle: Pick<Chronicle, "note">,
  ) {
    this.logger = this.open();
  }

  /** @param change what has become of the process, in a word, for the journal */
  say(text: string, change: string): void {
    this.tell(Level.notice, text, { change });
  }

  warn(text: string): void {
    this.tell(Level.warning, text, { change: "warning" });
  }

  /**
   * To the log, into the journal, and to whoever started us unless the log is what they see.
   *
   * @param happening null: the journal is told otherwise
   */
  tell(level: Level, text: string, happening: Happening | null): void {
    this.log(level, text);
    if (happening !== null) this.chronicle.note(level, text, happening);
    const shown = this.logs.some(
      (log) => log.level >= level && (log.target.kind === "stdout" || log.target.kind === "stderr"),
    );
    if (!shown) this.world.stderr.write(`haproxy-lite: ${text}`);
  }

  /** To the log alone. */
  log(level: Level, text: string): void {
    this.logger.log(level, text);
  }

  /** From now on these are the logs. */
  reopen(logs: readonly LogConfig[]): void {
    if (isDeepStrictEqual(this.logs, logs)) return;
    this.logger.close();
    this.logs = logs;
    this.logger = this.open();
  }

  /** Resolves when what was said to the standard streams is written. */
  async drain(): Promise<void> {
    await Promise.all([this.world.stdout.drain(), this.world.stderr.drain()]);
  }

  close(): void {
    this.logger.close();
  }

  private open(): Logger {
    const { clock, stdout, stderr } = this.world;
    return openLogger(this.logs, process.pid, clock, { stdout, stderr });
  }
}
