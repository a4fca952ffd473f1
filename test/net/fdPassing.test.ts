import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
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
  sendFds(ours, 1, groups.flat());
  for (const group of groups) closeListeners(group);
  const received = receiveFds(theirs, 1, 4);
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
  sendFds(ours, 1, new Array(300).fill(first[0]));
  sendFds(ours, 2, [second[0] as number]);
  const [many, one] = [receiveFds(theirs, 1, 300), receiveFds(theirs, 2, 1)];
  expect(many).toHaveLength(300);
  expect(boundEndpoint(many[299] as number)).toEqual(boundEndpoint(first[0] as number));
  expect(boundEndpoint(one[0] as number)).toEqual(boundEndpoint(second[0] as number));
  for (const fd of [...many, ...one]) libc.close(fd);
});

test("nothing to receive is an error, and so is a channel that nobody holds", () => {
  const { ours, theirs } = channel();
  expect(receiveFds(theirs, 1, 0)).toEqual([]);
  expect(() => receiveFds(theirs, 1, 1)).toThrow(SystemError);
  expect(() => sendFds(-1, 1, [ours])).toThrow(SystemError);
});

test("what is left of a batch that did not arrive as a whole is not taken for the next one", () => {
  const { ours, theirs } = channel();
  const [lost, next] = [freePort(), freePort()].map((port) =>
    bindListeners({ kind: "tcp", host: "127.0.0.1", port }, { sockets: 1, backlog: 8 }),
  ) as [number[], number[]];
  atEnd(() => {
    for (const fds of [lost, next]) closeListeners(fds);
  });
  const before = readdirSync("/proc/self/fd").length;
  sendFds(ours, 1, new Array(253).fill(lost[0])); // the first message of two
  expect(() => receiveFds(theirs, 1, 300)).toThrow(SystemError);
  sendFds(ours, 2, new Array(253).fill(lost[0]));
  sendFds(ours, 3, next);
  const received = receiveFds(theirs, 3, 1);
  expect(received.map(boundEndpoint)).toEqual(next.map(boundEndpoint));
  for (const fd of received) libc.close(fd);
  expect(readdirSync("/proc/self/fd")).toHaveLength(before);
});
