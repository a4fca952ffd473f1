import { expect, test } from "bun:test";
import { createFdChannel, receiveFds, sendFds } from "../../src/net/fdPassing.ts";
import { libc, SystemError } from "../../src/net/libc.ts";
import { bindListeners, boundEndpoint, closeListeners } from "../../src/net/listen.ts";
import { atEnd } from "../support/cleanup.ts";
import { freePort } from "../support/ports.ts";

function channel() {
  const { ours, theirs } = createFdChannel();
  atEnd(() => {
    for (const fd of [ours, theirs]) libc.close(fd);
  });
  return { ours, theirs };
}

test("listening sockets arrive as what they are, in their order", () => {
  const { ours, theirs } = channel();
  const endpoints = [freePort(), freePort()].map((port) => ({ kind: "tcp", host: "127.0.0.1", port }) as const);
  const groups = endpoints.map((endpoint) => bindListeners(endpoint, { sockets: 2, backlog: 8 }));
  sendFds(ours, groups.flat());
  for (const group of groups) closeListeners(group);
  const received = receiveFds(theirs, 4);
  expect(received.map(boundEndpoint)).toEqual(endpoints.flatMap((endpoint) => [endpoint, endpoint]));
  for (const fd of received) libc.close(fd);
});

test("more than fit into one message, and the next batch after them, keep their order and number", () => {
  const { ours, theirs } = channel();
  const [first, second] = [freePort(), freePort()].map((port) =>
    bindListeners({ kind: "tcp", host: "127.0.0.1", port }, { sockets: 1, backlog: 8 }),
  ) as [number[], number[]];
  atEnd(() => {
    for (const fds of [first, second]) closeListeners(fds);
  });
  sendFds(ours, new Array(300).fill(first[0]));
  sendFds(ours, [second[0] as number]);
  const [many, one] = [receiveFds(theirs, 300), receiveFds(theirs, 1)];
  expect(many).toHaveLength(300);
  expect(boundEndpoint(many[299] as number)).toEqual(boundEndpoint(first[0] as number));
  expect(boundEndpoint(one[0] as number)).toEqual(boundEndpoint(second[0] as number));
  for (const fd of [...many, ...one]) libc.close(fd);
});

test("nothing to receive is an error, and so is a channel that nobody holds", () => {
  const { ours, theirs } = channel();
  expect(receiveFds(theirs, 0)).toEqual([]);
  expect(() => receiveFds(theirs, 1)).toThrow(SystemError);
  expect(() => sendFds(-1, [ours])).toThrow(SystemError);
});
