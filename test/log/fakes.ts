import { constants } from "node:os";
import type { DatagramPort } from "../../src/log/datagramSink.ts";
import type { LinePort } from "../../src/log/lineSink.ts";

const { ECONNREFUSED, EAGAIN, ENOENT } = constants.errno;

export { EAGAIN, ECONNREFUSED, ENOENT };

/** A datagram socket whose fate the test decides: errnos are answered in turn, then `always`, then success. */
export class FakeDatagramPort implements DatagramPort {
  readonly delivered: string[] = [];
  answers: number[] = [];
  always = 0;
  sends = 0;
  reopened = 0;
  closed = false;
  onReopen: () => void = () => {};

  send(bytes: Uint8Array): number {
    this.sends += 1;
    const errno = this.answers.shift() ?? this.always;
    if (errno !== 0) return -errno;
    this.delivered.push(new TextDecoder().decode(bytes));
    return bytes.length;
  }

  reopen(): void {
    this.reopened += 1;
    this.onReopen();
  }

  close(): void {
    this.closed = true;
  }
}

/** Keeps the lines. */
export class FakeLinePort implements LinePort {
  readonly lines: string[] = [];

  write(line: string): void {
    this.lines.push(line);
  }
}
