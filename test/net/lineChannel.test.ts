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
