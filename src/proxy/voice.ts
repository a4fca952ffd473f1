import { isDeepStrictEqual } from "node:util";
import type { LogConfig } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import type { LogEvent } from "../log/events.ts";
import type { Logger } from "../log/logger.ts";
import type { StandardStream } from "../net/standardStreams.ts";
import { openLogger } from "../relay/openLogger.ts";
import type { EventDraft, EventSubject } from "../stats/event.ts";

/** What the control side says: each event to the logs of the configuration, and into the journal. */
export class Voice {
  private logger: Logger;
  /** Lines that loggers of earlier configurations lost. */
  private droppedBefore = 0;

  constructor(
    private logs: readonly LogConfig[],
    private readonly world: { clock: Clock; stdout: StandardStream; stderr: StandardStream },
    private readonly journal: { add(event: EventDraft): void },
  ) {
    this.logger = this.open();
  }

  /** @param change what has become of the process, or of that listen, in a word */
  log({ level, text }: LogEvent, change = "note", listen: string | null = null): void {
    const subject: EventSubject = listen === null ? { kind: "process" } : { kind: "listen", listen };
    const wallMs = this.world.clock.wallMs();
    this.tell({ level, text }, { wallMs, level, subject, change, text, cause: null, because: [] });
  }

  /** The same of what the journal is to know more about. */
  tell({ level, text }: LogEvent, event: EventDraft): void {
    this.logger.log(level, text);
    this.journal.add(event);
  }

  /** From now on these are the logs. */
  reopen(logs: readonly LogConfig[]): void {
    if (isDeepStrictEqual(this.logs, logs)) return;
    this.logger.close();
    this.droppedBefore += this.logger.dropped;
    this.logs = logs;
    this.logger = this.open();
  }

  /** Lines that were lost. */
  get dropped(): number {
    return this.droppedBefore + this.logger.dropped;
  }

  close(): void {
    this.logger.close();
  }

  private open(): Logger {
    const { clock, stdout, stderr } = this.world;
    return openLogger(this.logs, process.pid, clock, { stdout, stderr });
  }
}
