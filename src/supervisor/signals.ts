import { isIgnored, STEERING_SIGNALS, type SteeringSignal, takeHeldSignals } from "../core/earlySignals.ts";
import { holdSignals, letSignalsIn } from "../net/heldSignals.ts";

/**
 * The signals that steer a supervisor, from the first moment to the last: none is lost before it can act on them, and none
 * while one program becomes another in the same process.
 */
export class SteeringSignals {
  private readonly came: SteeringSignal[] = [];
  private act: ((signal: SteeringSignal) => void) | null = null;

  private constructor(
    /** SIGHUP has no effect: nohup(1) has told us to survive the terminal. */
    readonly hangupIgnored: boolean,
    heard: readonly SteeringSignal[],
  ) {
    for (const signal of heard) process.on(signal, () => this.on(signal));
  }

  /** Listens from here on. */
  static listen(): SteeringSignals {
    const hangupIgnored = isIgnored("SIGHUP");
    return new SteeringSignals(
      hangupIgnored,
      STEERING_SIGNALS.filter((signal) => signal !== "SIGHUP" || !hangupIgnored),
    );
  }

  /** Goes on listening in the place of another program; `left`: what that could not act on any more. */
  static inherit(left: readonly SteeringSignal[], hangupIgnored: boolean): SteeringSignals {
    const signals = new SteeringSignals(hangupIgnored, STEERING_SIGNALS);
    for (const signal of [...left, ...takeHeldSignals()]) signals.on(signal);
    letSignalsIn(STEERING_SIGNALS);
    return signals;
  }

  /** Acts on those that have come, in their order, and on all to come. */
  start(act: (signal: SteeringSignal) => void): void {
    this.act = act;
    for (const signal of this.came.splice(0)) act(signal);
  }

  /** Those that have come before {@link start}. */
  get waiting(): readonly SteeringSignal[] {
    return this.came;
  }

  /**
   * From here on signals wait for the program that is executed next; all that came before have been acted on when the promise
   * resolves. The function that it is for gives it up.
   */
  async hold(): Promise<() => void> {
    const release = holdSignals(STEERING_SIGNALS);
    // The runtime tells of a signal in a turn after it came.
    for (let turn = 0; turn < 2; turn++) await new Promise(setImmediate);
    return () => {
      for (const signal of release()) this.on(signal as SteeringSignal);
    };
  }

  private on(signal: SteeringSignal): void {
    if (signal === "SIGHUP" && this.hangupIgnored) return;
    if (this.act === null) this.came.push(signal);
    else this.act(signal);
  }
}
