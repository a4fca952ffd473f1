import { connect } from "node:net";
import { atEnd } from "../../support/cleanup.ts";

/** What became of the exchanges of a {@link Load}. */
export interface Outcomes {
  /** Sent, echoed in full and ended by a FIN. */
  served: number;
  /** By error code, or "short" for an answer that broke off, "other bytes" for one that is not what was sent. */
  failed: Map<string, number>;
  /** From connect to the whole answer, ms. */
  latenciesMs: number[];
}

/** Clients that talk to an echo service without a pause, each exchange on a new connection, until told to stop. */
export class Load {
  readonly outcomes: Outcomes = { served: 0, failed: new Map(), latenciesMs: [] };
  private stopped = false;
  private readonly clients: Promise<void>[];

  constructor(
    private readonly port: number,
    clients: number,
    private readonly message = "x".repeat(100),
  ) {
    atEnd(() => {
      this.stopped = true;
    });
    this.clients = Array.from({ length: clients }, () => this.talk());
  }

  /** Lets every client finish what it has begun. */
  async stop(): Promise<Outcomes> {
    this.stopped = true;
    await Promise.all(this.clients);
    return this.outcomes;
  }

  private async talk(): Promise<void> {
    while (!this.stopped) {
      const startedMs = performance.now();
      const how = await exchange(this.port, this.message);
      if (how === "served") {
        this.outcomes.served++;
        this.outcomes.latenciesMs.push(performance.now() - startedMs);
      } else {
        this.outcomes.failed.set(how, (this.outcomes.failed.get(how) ?? 0) + 1);
        await Bun.sleep(1);
      }
    }
  }
}

/** One connection to an echo service: "served", "short", "other bytes" or the code of its error. */
export async function exchange(port: number, message: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const expected = Buffer.from(message, "latin1");
  let received = 0;
  let same = true;
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  socket.setNoDelay(true);
  socket.on("connect", () => socket.end(expected));
  socket.on("data", (bytes: Buffer) => {
    same &&= bytes.equals(expected.subarray(received, received + bytes.length));
    received += bytes.length;
  });
  socket.on("end", () => resolve(!same ? "other bytes" : received === expected.length ? "served" : "short"));
  socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  socket.on("close", () => resolve("closed"));
  return await promise.finally(() => socket.destroy());
}

/** The value below which the share (0..1) of the numbers lies. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
