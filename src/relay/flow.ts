import type { StreamSocket } from "../net/stream.ts";

/** Before the sink is connected, a source that has sent this much waits. */
const HOLD_BYTES = 64 * 1024;

/**
 * One direction of a connection. Holds only what the sink refused: while it holds anything the source is paused, so what is
 * held is at most what was read in one go (Bun reads 512 KiB at most) on top of {@link HOLD_BYTES}.
 *
 * End of input travels too: once the source has said all and nothing is held, the sink gets its FIN.
 */
export class Flow {
  /** The source has said all it will say (FIN, or we stopped listening to it). */
  ended = false;
  /** The FIN has been passed on: nothing more will move. */
  finished = false;
  /** Bytes read from the source. */
  bytes = 0;
  /** The flow back, once there is one. */
  opposite: Flow | null = null;
  private held: Uint8Array | null = null;
  private paused = false;

  constructor(
    private source: StreamSocket<unknown> | null,
    private sink: StreamSocket<unknown> | null,
  ) {}

  /** The sink does not take what we have; its peer reads too slowly. */
  get blocked(): boolean {
    return this.held !== null && this.sink !== null;
  }

  /** Something was read that the sink has not got yet. */
  get holding(): boolean {
    return this.held !== null;
  }

  /** How much that is. */
  get heldBytes(): number {
    return this.held?.length ?? 0;
  }

  /** The source has sent `chunk`. */
  push(chunk: Uint8Array): void {
    if (this.ended) return; // we gave up on this side; what a reset still flushes to us goes nowhere
    this.bytes += chunk.length;
    // A reset flushes the receive queue even of a paused source, so data can come while something is held.
    if (this.held !== null) this.held = Buffer.concat([this.held, chunk]);
    else if (this.sink === null) this.held = chunk;
    else {
      const taken = this.sink.write(chunk);
      if (taken === chunk.length) return;
      this.held = taken > 0 ? chunk.subarray(taken) : chunk;
    }
    if (this.sink !== null || this.held.length >= HOLD_BYTES) this.pause();
  }

  /** The source has sent its FIN, or will not be listened to any more. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.flush();
  }

  /** The sink is connected; `prefix` (a PROXY header) goes out before anything else. */
  connect(sink: StreamSocket<unknown>, prefix: Uint8Array | null): void {
    this.sink = sink;
    if (prefix !== null) this.held = this.held === null ? prefix : Buffer.concat([prefix, this.held]);
    if (this.held !== null || this.ended) this.flush();
  }

  /** The sink has room again; says whether it took anything. Harmless at any time: Bun's `drain` also comes unasked. */
  flush(): boolean {
    if (this.sink === null || this.finished) return false;
    let moved = false;
    if (this.held !== null) {
      const taken = this.sink.write(this.held);
      moved = taken > 0;
      if (taken === this.held.length) this.held = null;
      else {
        if (moved) this.held = this.held.subarray(taken);
        this.pause();
        return moved;
      }
    }
    if (this.ended) {
      this.finished = true;
      // The last of the two: the sink has nothing more to say, so closing it is its FIN, at fewer system calls.
      if (this.opposite?.finished) this.sink.end();
      else this.sink.shutdown();
    } else if (this.paused) {
      this.paused = false;
      this.source?.resume();
    }
    return moved;
  }

  /** The source's socket is gone. */
  sourceClosed(): void {
    this.source = null;
  }

  /** The sink's socket is gone: what is held can never arrive. */
  sinkClosed(): void {
    this.sink = null;
    this.held = null;
    this.finished = true;
  }

  /** Stops reading from the source for good. */
  deafen(): void {
    this.pause();
    this.source = null;
  }

  private pause(): void {
    if (this.paused) return;
    this.paused = true;
    this.source?.pause();
  }
}
