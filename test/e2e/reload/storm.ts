import { createHash } from "node:crypto";
import { connect, type Socket } from "node:net";
import { client, type TestClient } from "../../support/client.ts";
import { Load, type Outcomes } from "../process/load.ts";

/** What goes at a time in a long transfer; no two bytes near each other are alike. */
const PIECE = Buffer.from(Array.from({ length: 64 * 1024 }, (_, i) => (i * 7 + (i >> 8)) & 0xff));
const PAUSE_MS = 10;

/** What came of a storm. */
export interface StormOutcome {
  short: Outcomes;
  /** Transfers that went round through the balancer, and bytes of them. */
  transfers: number;
  bytes: number;
  /** Bytes that idle sessions have said. */
  idleBytes: number;
  /** Empty: not one was cut, reset or changed. */
  broken: Broken[];
}

/** A transfer or an idle session (numbered from 0) that did not end well, and how. */
export type Broken = { kind: "transfer"; how: string } | { kind: "idle"; session: number; how: string };

/** How a transfer ends whose bytes are not those that were sent. */
export const CORRUPT = "other bytes came back";

/** How many of each kind; `pieces`: 64 KiB each, in one transfer. */
export interface StormSize {
  clients: number;
  transfers: number;
  idle: number;
  pieces: number;
}

/**
 * Everything that a reload must not disturb, at once: clients with one short exchange a connection, long transfers, each
 * compared with what was sent, and sessions that say something now and then.
 */
export class Storm {
  private readonly load: Load;
  private readonly broken: Broken[] = [];
  private readonly idle: TestClient[];
  private readonly transferring: Promise<void>[];
  private stopped = false;
  private transfers = 0;
  private bytes = 0;
  private idleBytes = 0;

  constructor(
    private readonly port: number,
    { clients, transfers, idle, pieces }: StormSize,
  ) {
    this.load = new Load(port, clients);
    this.idle = Array.from({ length: idle }, () => client(port));
    this.transferring = Array.from({ length: transfers }, () => this.transferOn(pieces));
  }

  /** Exchanges served so far. */
  get served(): number {
    return this.load.outcomes.served;
  }

  /** Exchanges that have ended so far, well or not. */
  get tried(): number {
    const { served, failed } = this.load.outcomes;
    return [...failed.values()].reduce((sum, times) => sum + times, served);
  }

  /** One more idle session comes. */
  visit(): void {
    this.idle.push(client(this.port));
  }

  /** Every idle session says something and hears it back. */
  async prod(): Promise<void> {
    for (const [session, visitor] of this.idle.entries()) {
      try {
        const before = visitor.received().length;
        await visitor.send("tick");
        await visitor.receive(before + 4);
        this.idleBytes += 4;
      } catch (error) {
        this.broken.push({ kind: "idle", session, how: (error as Error).message });
      }
    }
  }

  /** Lets everybody finish what they have begun, and the idle sessions say goodbye. */
  async stop(): Promise<StormOutcome> {
    this.stopped = true;
    await this.prod();
    const short = await this.load.stop();
    await Promise.all(this.transferring);
    for (const visitor of this.idle) {
      visitor.fin();
      await visitor.ended;
    }
    const { transfers, bytes, idleBytes, broken } = this;
    return { short, transfers, bytes, idleBytes, broken };
  }

  private async transferOn(pieces: number): Promise<void> {
    while (!this.stopped) {
      const how = await transfer(this.port, pieces);
      if (how === null) {
        this.transfers++;
        this.bytes += pieces * PIECE.length;
      } else {
        this.broken.push({ kind: "transfer", how });
        await Bun.sleep(PAUSE_MS);
      }
    }
  }
}

/** Sends so many pieces through an echo service and compares what comes back; what is wrong, null: nothing. */
async function transfer(port: number, pieces: number): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const [sent, received] = [createHash("sha1"), createHash("sha1")];
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  let bytes = 0;
  socket.on("connect", () => void sendAll(socket, pieces, (piece) => sent.update(piece)));
  socket.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    received.update(chunk);
  });
  socket.on("end", () => {
    if (bytes !== pieces * PIECE.length) resolve(`${bytes} of ${pieces * PIECE.length} bytes came back`);
    else resolve(sent.digest("hex") === received.digest("hex") ? null : CORRUPT);
  });
  socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  return await promise.finally(() => socket.destroy());
}

async function sendAll(socket: Socket, pieces: number, onSent: (piece: Buffer) => void): Promise<void> {
  for (let i = 0; i < pieces && !socket.destroyed; i++) {
    onSent(PIECE);
    await Bun.sleep(PAUSE_MS); // a transfer is to be long, not to take all of the machine
    if (!socket.write(PIECE)) await new Promise<void>((resolve) => socket.once("drain", resolve));
  }
  socket.end();
}
