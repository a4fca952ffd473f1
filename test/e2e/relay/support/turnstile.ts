import { type ListenOptions, serve, type TestServer } from "../../../support/echo.ts";

/** A server that notes who comes, in what order, and how many are with it at once. */
export interface Turnstile {
  readonly server: TestServer;
  /** First line of each connection, in the order in which they came. */
  readonly order: readonly string[];
  /** Connections that it has not yet answered, and the most that there ever were. */
  readonly inside: number;
  readonly most: number;
  /** Answers `done` to the one that came first, and closes. */
  releaseOne(): void;
}

/** `stayMs` null: everybody stays until released; else each is answered that long after its line. */
export async function turnstile(stayMs: number | null, options: ListenOptions = {}): Promise<Turnstile> {
  const order: string[] = [];
  const inside = new Set<() => void>();
  let most = 0;
  const server = await serve(
    {
      kind: "custom",
      run(socket) {
        // Counted out before its FIN goes: the proxy cannot have given the slot to anybody else by then.
        const release = (): void => {
          inside.delete(release);
          socket.end("done");
        };
        inside.add(release);
        most = Math.max(most, inside.size);
        socket.once("data", (line) => {
          order.push(line.toString());
          if (stayMs !== null) setTimeout(release, stayMs);
        });
        socket.on("close", () => inside.delete(release));
      },
    },
    options,
  );
  return {
    server,
    order,
    get inside() {
      return inside.size;
    },
    get most() {
      return most;
    },
    releaseOne() {
      for (const release of inside) return release();
    },
  };
}
