import { expect, test } from "bun:test";
import type { ListenConfig } from "../../src/config/schema.ts";
import { type Endpoint, formatEndpoint } from "../../src/core/endpoint.ts";
import { createDoorbell } from "../../src/net/doorbell.ts";
import { libc } from "../../src/net/libc.ts";
import { bindListeners, closeListeners } from "../../src/net/listen.ts";
import { ListenBoard } from "../../src/pool/board.ts";
import { ProcessBoard } from "../../src/pool/processBoard.ts";
import { processClock } from "../../src/relay/processClock.ts";
import { RelayThread } from "../../src/relay/relayThread.ts";
import { listensOf } from "../stats/stand.ts";
import { atEnd } from "../support/cleanup.ts";
import { client } from "../support/client.ts";
import { freePort } from "../support/ports.ts";
import { until } from "../support/until.ts";

test("who has stopped accepting looks again at once: a connection that left meanwhile has told nobody", async () => {
  const board = ProcessBoard.create(1);
  const { owner, ringer } = createDoorbell();
  atEnd(() => {
    for (const fd of [owner, ringer]) libc.close(fd);
  });
  const relay = new RelayThread(
    {
      kind: "start",
      thread: 0,
      process: board.share(),
      doorbell: owner,
      ringers: [ringer],
      duty: { logs: [], listens: [] },
    },
    processClock,
    () => {},
  );
  relay.pausedAccepting();
  expect(board.isPaused(0)).toBe(true);
  await Promise.resolve();
  // Nothing of this thread is at a limit, so it waits for nobody.
  expect(board.isPaused(0)).toBe(false);
});

test("a duty with a socket that cannot be listened on is an error, and the one before it can be given again", async () => {
  const board = ProcessBoard.create(1);
  board.maxconn = 100;
  const { owner, ringer } = createDoorbell();
  const endpoints = [freePort(), freePort()].map((port) => ({ kind: "tcp", host: "127.0.0.1", port }) as const);
  const fds = endpoints.map((endpoint) => bindListeners(endpoint, { sockets: 1, backlog: 8 }));
  // Threads have descriptors of their own, and close them.
  const sockets = fds.map(([fd], id) => ({ id, fd: libc.dup(fd as number) }));
  const [listen] = listensOf('[listen.web]\nbind = "127.0.0.1:1"\nlog = "off"');
  const listenBoard = ListenBoard.create(0, 1).share();
  const duty = (of: typeof sockets) => {
    const config = listen as ListenConfig;
    return {
      logs: [],
      listens: [{ id: 0, config, servers: [], order: [], fresh: [], accepting: true, board: listenBoard, sockets: of }],
    };
  };
  const closed: number[] = [];
  const relay = new RelayThread(
    {
      kind: "start",
      thread: 0,
      process: board.share(),
      doorbell: owner,
      ringers: [ringer],
      duty: duty(sockets.slice(0, 1)),
    },
    processClock,
    (report) => {
      if (report.kind === "closed") closed.push(report.socket);
    },
  );
  atEnd(() => {
    relay.stop();
    for (const each of fds) closeListeners(each);
    libc.close(ringer);
  });
  relay.start();
  const served = async (): Promise<string> => await client(formatEndpoint(endpoints[0] as Endpoint)).ended;
  expect(await served()).toBe("fin");
  expect(relay.apply(duty([...sockets, { id: 9, fd: -1 }]))).toContain("dup: Bad file descriptor");
  expect(relay.apply(duty(sockets.slice(0, 1)))).toBeNull();
  relay.settle(0);
  await until("the others to be closed", () => closed.length === 2);
  expect(closed.sort()).toEqual([1, 9]);
  expect(await served()).toBe("fin");
});
