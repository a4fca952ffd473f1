import { expect, test } from "bun:test";
import { queuedConnections, refuseClients, refuseNewcomers } from "../../src/net/acceptQueue.ts";
import { libc, SystemError } from "../../src/net/libc.ts";
import { bindListeners, closeListeners } from "../../src/net/listen.ts";
import { acceptStreams } from "../../src/net/stream.ts";
import { atEnd } from "../support/cleanup.ts";
import { client } from "../support/client.ts";
import { freePort } from "../support/ports.ts";
import { tmpDir } from "../support/tmp.ts";

// Some hosts let privileged processes alone attach filters.
test.skipIf(process.getuid?.() !== 0)(
  "who has come is counted and still served, and who comes later is not let in",
  async () => {
    const port = freePort();
    const fds = bindListeners({ kind: "tcp", host: "127.0.0.1", port }, { sockets: 1, backlog: 8 });
    const fd = fds[0] as number;
    atEnd(() => closeListeners(fds));
    const early = [client(port), client(port)];
    await Promise.all(early.map(({ connected }) => connected));
    expect(queuedConnections(fd)).toBe(2);
    refuseNewcomers(fd);
    const late = client(port);
    for (const each of early) await each.send("hello");
    const acceptor = acceptStreams(fd, 8, null, {
      open() {},
      data: (socket, bytes) => void socket.write(bytes),
    });
    for (const each of early) expect(await each.receive("hello")).toBe("hello");
    expect(queuedConnections(fd)).toBe(0);
    expect(late.socket.connecting).toBeTrue();
    acceptor.stop();
    closeListeners(fds);
    expect(await late.ended).toBe("ECONNREFUSED");
  },
);

test("a unix socket tells nothing of its queue, and what is no socket cannot refuse anybody", () => {
  const fds = bindListeners({ kind: "unix", path: `${tmpDir()}/a.sock` }, { sockets: 1, backlog: 8 });
  atEnd(() => closeListeners(fds));
  expect(queuedConnections(fds[0] as number)).toBe(0);
  expect(() => refuseNewcomers(-1)).toThrow(SystemError);
});

test("clients that were refused, once or twice over, are served again when somebody listens again", async () => {
  const port = freePort();
  const fds = bindListeners({ kind: "tcp", host: "127.0.0.1", port }, { sockets: 1, backlog: 8 });
  const fd = fds[0] as number;
  atEnd(() => closeListeners(fds));
  for (let round = 0; round < 5; round++) {
    refuseClients(fd);
    refuseClients(fd);
    expect(await client(port).ended).toBe("ECONNREFUSED");
    libc.listen(fd, 8);
    const late = client(port);
    const accepted = Promise.withResolvers<void>();
    let ended = false;
    const acceptor = acceptStreams(fd, 8, null, {
      open: () => accepted.resolve(),
      data: (socket, bytes) => void socket.write(bytes),
      end: () => {
        ended = true;
      },
    });
    await accepted.promise;
    // Who has said nothing yet is not taken for gone.
    await late.send("hello");
    expect(await late.receive("hello")).toBe("hello");
    expect(ended).toBe(false);
    acceptor.stop();
  }
});

test("a unix socket cannot refuse its clients: they wait", async () => {
  const path = `${tmpDir()}/a.sock`;
  const fds = bindListeners({ kind: "unix", path }, { sockets: 1, backlog: 8 });
  atEnd(() => closeListeners(fds));
  refuseClients(fds[0] as number);
  const waiting = client(`unix:${path}`);
  await waiting.send("hello");
  const acceptor = acceptStreams(fds[0] as number, 8, null, {
    open() {},
    data: (socket, bytes) => void socket.write(bytes),
  });
  expect(await waiting.receive("hello")).toBe("hello");
  acceptor.stop();
});
