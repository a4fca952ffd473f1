import { AF_UNIX, errno, libc, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK } from "../../src/net/libc.ts";
import { encodeSockaddr } from "../../src/net/sockaddr.ts";
import { atEnd } from "./cleanup.ts";
import { until } from "./until.ts";

/** What a service manager hears: a plain unix datagram socket under a path or "@name". */
export interface ServiceManager {
  readonly address: string;
  /** Ends it before the test does. */
  close(): void;
  /** All datagrams so far, oldest first, with the time of their arrival (performance.now(), to about 5 ms). */
  heard(): { text: string; atMs: number }[];
  /** Waits for a datagram with this line, in those from index `from` on; its index. */
  waitFor(line: string | RegExp, options?: { from?: number; timeoutMs?: number }): Promise<number>;
}

/** Binds the socket; closed when the test ends. */
export function serviceManager(address: string): ServiceManager {
  const name = encodeSockaddr({ kind: "unix", path: address });
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || libc.bind(fd, name, name.length) < 0) throw new Error(`bind: errno ${errno()}`);
  const buffer = new Uint8Array(new ArrayBuffer(65536));
  const datagrams: { text: string; atMs: number }[] = [];
  const read = (): void => {
    for (;;) {
      const length = Number(libc.recv(fd, buffer, buffer.length, 0));
      if (length < 0) return;
      datagrams.push({ text: new TextDecoder().decode(buffer.slice(0, length)), atMs: performance.now() });
    }
  };
  // The kernel keeps only ten of them for a reader that sleeps.
  const timer = setInterval(read, 5);
  let open = true;
  const close = (): void => {
    clearInterval(timer);
    if (open) libc.close(fd);
    open = false;
  };
  atEnd(close);
  const has = (text: string, line: string | RegExp): boolean =>
    text.split("\n").some((each) => (typeof line === "string" ? each === line : line.test(each)));
  return {
    address,
    close,
    heard() {
      if (open) read();
      return [...datagrams];
    },
    async waitFor(line, { from = 0, timeoutMs = 10_000 } = {}) {
      let index = -1;
      await until(
        `${String(line)} from the service`,
        () => {
          read();
          index = datagrams.findIndex(({ text }, at) => at >= from && has(text, line));
          return index >= 0;
        },
        { timeoutMs },
      );
      return index;
    },
  };
}
