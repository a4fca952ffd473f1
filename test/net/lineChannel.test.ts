import { expect, test } from "bun:test";
import { libc } from "../../src/net/libc.ts";
import { createChannel, LineChannel } from "../../src/net/lineChannel.ts";
import { until } from "../support/until.ts";

test("messages of any size arrive whole and in order, and what is no message is left out", async () => {
  const { ours, theirs } = createChannel();
  const heard: unknown[] = [];
  let closed = false;
  const torn = Buffer.from('e":1}\n');
  libc.send(ours, torn, torn.length, 0); // the end of a line whose beginning somebody else has read
  const receiver = new LineChannel(theirs, {
    onMessage: (message) => heard.push(message),
    onClosed: () => {
      closed = true;
    },
  });
  const sender = new LineChannel(ours, { onMessage: () => {}, onClosed: () => {} });
  const messages = [{ text: "ä\n".repeat(700_000) }, "small", { n: 3 }];
  for (const message of messages) sender.send(message);
  await until("all of them", () => heard.length === messages.length);
  expect(Bun.deepEquals(heard, messages)).toBeTrue();
  sender.close();
  await until("the end to be seen", () => closed);
  receiver.send("to nobody");
});

test("another program goes on where one left off, in the middle of a message each way", async () => {
  const { ours, theirs } = createChannel();
  const heard: unknown[] = [];
  const answers: unknown[] = [];
  const first = new LineChannel(ours, { onMessage: () => {}, onClosed: () => {} });
  const big = { text: "ä".repeat(2 << 20) };
  first.send(big); // more than the channel holds
  expect(first.isClogged).toBeTrue();
  // By bytes: the cut goes through a letter.
  const answer = Buffer.from('{"answer":"ö"}\n');
  libc.send(theirs, answer, 12, 0);
  await until("the beginning of the answer", () => first.rest.heard !== "");
  const { rest } = first;
  // The first program is no more; its descriptor goes on.
  const fd = libc.dup(ours);
  first.close();
  const second = new LineChannel(fd, { onMessage: (message) => answers.push(message), onClosed: () => {} }, rest);
  libc.send(theirs, answer.subarray(12), answer.length - 12, 0);
  const receiver = new LineChannel(theirs, { onMessage: (message) => heard.push(message), onClosed: () => {} });
  second.send("next");
  await second.drain();
  await until("all of it", () => heard.length === 2 && answers.length === 1);
  expect(Bun.deepEquals(heard, [big, "next"])).toBeTrue();
  expect(answers).toEqual([{ answer: "ö" }]);
  for (const channel of [second, receiver]) channel.close();
});
