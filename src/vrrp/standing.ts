import { meansFault, type TrackerReport, type Weighing, weigh } from "./priority.ts";

/** What is known about this host's fitness to own the addresses: reports of trackers, and faults that somebody states. */
export class Standing {
  private readonly reports = new Map<string, TrackerReport>();
  private readonly stated = new Map<string, string>();

  /** Takes a report in the place of the tracker's former one; false when it says nothing new. */
  report(report: TrackerReport): boolean {
    const before = this.reports.get(report.tracker);
    this.reports.set(report.tracker, report);
    return before === undefined || !Bun.deepEquals(before, report);
  }

  /** The latest report of each tracker. */
  get known(): readonly TrackerReport[] {
    return [...this.reports.values()];
  }

  /** A tracker that is no longer configured; false when it was not known. */
  forget(tracker: string): boolean {
    return this.reports.delete(tracker);
  }

  /** States a fault, or with null that it is over; false when that is nothing new. */
  state(key: string, sentence: string | null): boolean {
    const before = this.stated.get(key) ?? null;
    if (sentence === null) this.stated.delete(key);
    else this.stated.set(key, sentence);
    return before !== sentence;
  }

  /** The priority as it is now. */
  weigh(base: number, released: boolean): Weighing {
    return weigh(base, [...this.reports.values()], released);
  }

  /** Trackers that mean FAULT. */
  get faulty(): string[] {
    return [...this.reports.values()].filter(meansFault).map(({ tracker }) => tracker);
  }

  /** Why the addresses must not be owned, in words; `except` leaves one stated fault out. */
  faults(except: string | null = null): string[] {
    const stated = [...this.stated].filter(([key]) => key !== except).map(([, sentence]) => sentence);
    return [...stated, ...this.weigh(0, false).faults];
  }
}
