import { chmodSync } from "node:fs";
import type { Socket } from "bun";
import { atEnd } from "../../../support/cleanup.ts";
import { freePort } from "../../../support/ports.ts";
import { until } from "../../../support/until.ts";

/** Bytes by their number and SHA-256, so that megabytes can be compared. */
export interface Digest {
  bytes: number;
  sha256: string;
}

/** The digest of bytes at hand. */
export function digest(...data: (Uint8Array | string)[]): Digest {
  const hash = new Bun.CryptoHasher("sha256");
  let bytes = 0;
  for (const piece of data) {
    hash.update(piece);
    bytes += Buffer.byteLength(piece);
  }
  return { bytes, sha256: hash.digest("hex") };
}

/**
 * One end of a connection, with nothing between the test and the kernel but Bun's own socket: node:net has opinions of its
 * own on buffering, half-close and what counts as an error.
 */
export class Peer {
  /** Bytes received so far. */
  bytes = 0;
  /** How the other end finished: "fin", or the code of the error; null while it has not. */
  ending: string | null = null;
  /** The first bytes received, at most 1 KiB. */
  head: Buffer = Buffer.alloc(0);
  private readonly hash = new Bun.CryptoHasher("sha256");
  private readonly finished = Promise.withResolvers<string>();
  private drained = Promise.withResolvers<void>();
  private socket: Socket<Peer> | null = null;

  /** The other end's FIN ("fin") or the code of the error that came instead. */
  get ended(): Promise<string> {
    return this.finished.promise;
  }

  /** Waits for the other end's FIN and tells all that came before it; throws the code of what came instead. */
  async all(): Promise<Digest> {
    const ending = await this.ended;
    if (ending !== "fin") throw new Error(ending);
    return { bytes: this.bytes, sha256: this.hash.digest("hex") };
  }

  /** Hands everything to the kernel, piece by piece; throws when the connection is gone before it has taken it all. */
  async send(...pieces: (Uint8Array | string)[]): Promise<void> {
    for (const piece of pieces) {
      const bytes = typeof piece === "string" ? Buffer.from(piece) : piece;
      for (let at = 0; at < bytes.length; ) {
        if (this.socket === null) throw new Error(`closed (${this.ending}) with ${bytes.length - at} bytes unsent`);
        this.drained = Promise.withResolvers();
        at += Math.max(0, this.socket.write(bytes.subarray(at)));
        if (at < bytes.length) await this.drained.promise;
      }
    }
  }

  /** Half-close. */
  fin(): void {
    this.socket?.shutdown();
  }

  rst(): void {
    this.socket?.terminate();
  }

  /** Both directions, by close(2). */
  close(): void {
    this.socket?.end();
  }

  /** Stops reading: the window closes when the kernel's buffer is full. */
  pause(): void {
    this.socket?.pause();
  }

  resume(): void {
    this.socket?.resume();
  }

  /** Waits until the first bytes received are, or begin with, this text. */
  async hears(text: string): Promise<void> {
    await until(
      `"${text}"`,
      () => this.head.toString().startsWith(text) || (this.ending !== null && Promise.reject(this.ending)),
    );
  }

  get localPort(): number {
    return this.socket?.localPort as number;
  }

  static readonly events = {
    open(socket: Socket<Peer>): void {
      socket.data.socket = socket;
    },
    data(socket: Socket<Peer>, chunk: Uint8Array): void {
      const peer = socket.data;
      peer.bytes += chunk.length;
      peer.hash.update(chunk);
      if (peer.head.length < 1024) peer.head = Buffer.concat([peer.head, chunk]).subarray(0, 1024);
    },
    drain: (socket: Socket<Peer>): void => socket.data.drained.resolve(),
    end: (socket: Socket<Peer>): void => socket.data.finish("fin"),
    close(socket: Socket<Peer>, failure?: Error): void {
      const peer = socket.data;
      peer.socket = null;
      // After our own FIN, Bun tells of the other's by closing alone.
      peer.finish((failure as NodeJS.ErrnoException | undefined)?.code ?? "fin");
      peer.drained.resolve();
    },
  };

  private finish(how: string): void {
    this.ending ??= how;
    this.finished.resolve(how);
  }
}

/** Connects to "host:port", "[v6]:port" or "unix:/path". Reset when the test ends. */
export async function dial(address: string): Promise<Peer> {
  const peer = new Peer();
  const where = address.startsWith("unix:") ? { unix: address.slice(5) } : hostAndPort(address);
  atEnd(() => peer.rst());
  await Bun.connect({ ...where, data: peer, allowHalfOpen: true, socket: Peer.events } as Parameters<
    typeof Bun.connect<Peer>
  >[0]);
  return peer;
}

/** A server whose connections the test takes one by one. */
export interface PeerServer {
  readonly address: string;
  /** Connections accepted so far. */
  readonly accepted: number;
  /** The connection accepted next, or that waits longest to be taken. */
  next(): Promise<Peer>;
}

/** Listens, until the test ends; `paused`: connections are not read before `resume`. */
export function listenPeers(options: { host?: string; path?: string; paused?: boolean } = {}): PeerServer {
  const host = options.host ?? "127.0.0.1";
  const port = freePort();
  const waiting: Peer[] = [];
  let accepted = 0;
  const events = {
    ...Peer.events,
    open(socket: Socket<Peer>): void {
      socket.data = new Peer();
      Peer.events.open(socket);
      if (options.paused) socket.pause();
      accepted++;
      waiting.push(socket.data);
    },
  };
  const where = options.path === undefined ? { hostname: host, port } : { unix: options.path };
  const listener = Bun.listen({ ...where, allowHalfOpen: true, socket: events } as unknown as Parameters<
    typeof Bun.listen<Peer>
  >[0]);
  atEnd(() => listener.stop(true));
  // Started by root, the proxy process is somebody else.
  if (options.path !== undefined) chmodSync(options.path, 0o777);
  return {
    address: options.path === undefined ? `${host.includes(":") ? `[${host}]` : host}:${port}` : `unix:${options.path}`,
    get accepted() {
      return accepted;
    },
    next: () => until("the server to be reached", () => waiting.shift(), { everyMs: 1 }),
  };
}

function hostAndPort(address: string): { hostname: string; port: number } {
  const colon = address.lastIndexOf(":");
  return { hostname: address.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(address.slice(colon + 1)) };
}
