import { BenchError } from "./children.ts";

const REQUEST = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n";

/** Connections opened at a time, below every backlog on the way. */
const BATCH = 200;

const ANSWER_LIMIT_MS = 10_000;

/**
 * Clients that send one request, read the answer, and then keep their connection open without a word: what an idle
 * connection costs a proxy that has already relayed for it.
 */
export class IdleClients {
  readonly #open = new Set<Bun.Socket<unknown>>();
  #closing = false;
  #lost = 0;

  /** Brings the number of open connections to `count`; each has had its answer when this resolves. */
  async grow(count: number, address: (index: number) => string, port: number): Promise<void> {
    while (this.#open.size < count) {
      const batch = Math.min(BATCH, count - this.#open.size);
      const first = this.#open.size;
      await Promise.all(Array.from({ length: batch }, (_, index) => this.#openOne(address(first + index), port)));
    }
    this.check();
  }

  /** Throws when a connection was closed by the other side. */
  check(): void {
    if (this.#lost > 0) throw new BenchError(`${this.#lost} of the idle connections were closed under the client`);
  }

  /** Closes all of them. */
  close(): void {
    this.#closing = true;
    for (const socket of this.#open) socket.end();
    this.#open.clear();
  }

  async #openOne(hostname: string, port: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const failed = (why: string) => reject(new BenchError(`an idle client at ${hostname}:${port}: ${why}`));
    const deadline = setTimeout(() => failed(`no answer in ${ANSWER_LIMIT_MS} ms`), ANSWER_LIMIT_MS);
    void Bun.connect({
      hostname,
      port,
      socket: {
        open: (socket) => {
          this.#open.add(socket);
          socket.write(REQUEST);
        },
        data: () => resolve(),
        close: (socket) => {
          if (!this.#closing) this.#lost++;
          this.#open.delete(socket);
          failed("closed before the answer");
        },
        connectError: (_socket, error) => failed(error.message),
      },
    });
    await promise.finally(() => clearTimeout(deadline));
  }
}
