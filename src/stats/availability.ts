/** Whether a listen has had anybody to serve it: since when, how often not, and for how long. Times are monotonic ms. */
export class Availability {
  /** Times it went from available to not. */
  downs = 0;
  private outagesMs = 0;

  constructor(
    private usable: boolean,
    /** When it last changed. */
    public sinceMs: number,
  ) {}

  get available(): boolean {
    return this.usable;
  }

  /** Tells how it is now; nothing happens when that is no change. */
  note(usable: boolean, nowMs: number): void {
    if (usable === this.usable) return;
    if (usable) this.outagesMs += nowMs - this.sinceMs;
    else this.downs++;
    this.usable = usable;
    this.sinceMs = nowMs;
  }

  /** Time without a usable server, the present outage included. */
  downtimeMs(nowMs: number): number {
    return this.outagesMs + (this.usable ? 0 : nowMs - this.sinceMs);
  }
}
