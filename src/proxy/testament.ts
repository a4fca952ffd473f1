import type { Clock } from "../core/clock.ts";
import { countedSince, type Inheritance } from "./inheritance.ts";
import type { ProxyReport } from "./protocol.ts";

/** A process that was retired tells so often what it has counted. */
const COUNTED_MS = 500;

/** What a process leaves to the one that takes over: all that it knows, once, and then what it goes on to count. */
export class Testament {
  /** What the next process knows of us; null: there is none. */
  private told: Inheritance | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly inheritance: () => Inheritance,
    private readonly report: (report: ProxyReport) => void,
  ) {}

  describe(): void {
    this.told = this.inheritance();
    this.report({ kind: "inheritance", inheritance: this.told });
  }

  /** Tells from now on, again and again, what has been counted beyond that. */
  keepTelling(): void {
    this.clock.after(COUNTED_MS, () => {
      this.tellCounted();
      this.keepTelling();
    });
  }

  tellCounted(): void {
    if (this.told === null) return;
    const now = this.inheritance();
    this.report({ kind: "counted", counted: countedSince(this.told, now) });
    this.told = now;
  }
}
