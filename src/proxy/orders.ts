import type { ProxyReport, SupervisorOrder } from "./protocol.ts";

/** What clients of the admin socket order of the supervisor: given to it, and its answers given back. */
export class Orders {
  private readonly waiting = new Map<number, (text: string) => void>();
  private last = 0;

  constructor(private readonly report: (report: ProxyReport) => void) {}

  /** Gives an order; the supervisor's answer. */
  give(what: SupervisorOrder): Promise<string> {
    const order = ++this.last;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.waiting.set(order, resolve);
    this.report({ kind: "order", order, what });
    return promise;
  }

  /** The supervisor has answered. */
  answered(order: number, text: string): void {
    this.waiting.get(order)?.(text);
    this.waiting.delete(order);
  }

  /** All that wait get this answer. */
  answerAll(text: string): void {
    for (const order of this.waiting.keys()) this.answered(order, text);
  }
}
