import type { VrrpMailConfig } from "../config/schema.ts";
import { Level } from "../core/syslogCodes.ts";
import type { Rival, StateChange } from "./event.ts";
import { NotifyFifo } from "./fifo.ts";
import { changeLine, rivalLine } from "./fifoLine.ts";
import { MailQueue } from "./mailQueue.ts";
import { mailOf } from "./mailText.ts";
import { ScriptQueue } from "./scriptQueue.ts";
import { jobOfChange, jobOfRival, type NotifyScripts, toldState } from "./scripts.ts";
import { loadMailLibrary, SmtpCourier } from "./smtp.ts";
import type { NotifyWorld } from "./world.ts";

/** What of [vrrp] the notifier goes by; a `VrrpConfig` with its router's name filled in is one. */
export interface NotifyConfig {
  /** Name of this host in mails. */
  readonly routerId: string;
  readonly notifyFifo: string | null;
  readonly mail: VrrpMailConfig | null;
}

/**
 * Tells people and programs of what virtual routers do: scripts, the notify FIFO, mail. Every call but {@link stop} returns
 * at once, whatever scripts, readers and mail servers do.
 */
export class Notifier {
  private fifo: NotifyFifo | null = null;
  private readonly mails: MailQueue;
  private readonly queues = new Map<string, ScriptQueue>();

  constructor(
    private config: NotifyConfig,
    private readonly world: NotifyWorld,
  ) {
    this.mails = new MailQueue(courierOf(config), world);
  }

  /** Opens the FIFO and loads what mail needs, before there is anything urgent to do. */
  async start(): Promise<void> {
    this.openFifo();
    await this.loadLibrary();
  }

  /**
   * A router or a group is in another state now.
   * @param scripts null: it has none, as a group
   * @param mail whether it is one that people are told of by mail
   */
  changed(change: StateChange, scripts: NotifyScripts | null, mail: boolean): void {
    const state = scripts === null ? change.state : toldState(change.state, scripts);
    this.fifo?.write(changeLine({ ...change, state }));
    if (scripts !== null) this.queueOf(change.instance).add(jobOfChange(change, scripts));
    if (mail) this.mails.add(mailOf(change, this.config.routerId));
  }

  /** An instance that is MASTER hears another one of lower priority. */
  rival(rival: Rival, scripts: NotifyScripts): void {
    this.fifo?.write(rivalLine(rival));
    this.queueOf(rival.instance).add(jobOfRival(scripts));
  }

  /** Goes by another configuration from now on; mails that wait go to the server that it names. */
  reconfigure(config: NotifyConfig): void {
    const before = this.config;
    this.config = config;
    if (config.notifyFifo !== before.notifyFifo) {
      this.fifo?.close();
      this.openFifo();
    }
    if (Bun.deepEquals(config.mail, before.mail)) return;
    this.mails.reconfigure(courierOf(config));
    void this.loadLibrary();
  }

  /**
   * After the last {@link changed}: gives scripts, mails and the reader of the FIFO at most `graceMs` (keepalived: 1000),
   * and says what was left over. Nothing may be told afterwards.
   */
  async stop(graceMs: number): Promise<void> {
    await Promise.all([this.mails.stop(graceMs), ...[...this.queues.values()].map((queue) => queue.stop(graceMs))]);
    this.fifo?.close();
    this.fifo = null;
  }

  private openFifo(): void {
    const { notifyFifo } = this.config;
    this.fifo = notifyFifo === null ? null : new NotifyFifo(notifyFifo, this.world);
    this.fifo?.open();
  }

  private async loadLibrary(): Promise<void> {
    if (this.config.mail === null) return;
    try {
      await loadMailLibrary();
    } catch (failure) {
      this.world.log(Level.err, `the mail library does not load: ${failure}`);
    }
  }

  private queueOf(instance: string): ScriptQueue {
    const known = this.queues.get(instance);
    if (known !== undefined) return known;
    const queue = new ScriptQueue(instance, this.world);
    this.queues.set(instance, queue);
    return queue;
  }
}

function courierOf({ mail }: NotifyConfig): SmtpCourier | null {
  return mail === null ? null : new SmtpCourier(mail);
}
