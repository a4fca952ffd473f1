import { describe, expect, test } from "bun:test";
import type { StreamSocket } from "../../src/net/stream.ts";
import { Flow } from "../../src/relay/flow.ts";

/** A socket that takes `room` bytes and notes what is done to it. */
class FakeSocket {
  room = Infinity;
  written = "";
  readonly calls: string[] = [];

  write(bytes: Uint8Array): number {
    if (this.room < 0) return -1;
    const taken = Math.min(this.room, bytes.length);
    this.room -= taken;
    this.written += Buffer.from(bytes.subarray(0, taken)).toString("latin1");
    return taken;
  }
  shutdown(): void {
    this.calls.push("shutdown");
  }
  end(): void {
    this.calls.push("end");
  }
  pause(): void {
    this.calls.push("pause");
  }
  resume(): void {
    this.calls.push("resume");
  }
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const socket = (fake: FakeSocket): StreamSocket<unknown> => fake as unknown as StreamSocket<unknown>;

function flow(): { source: FakeSocket; sink: FakeSocket; flow: Flow } {
  const [source, sink] = [new FakeSocket(), new FakeSocket()];
  return { source, sink, flow: new Flow(socket(source), socket(sink)) };
}

describe("a flow", () => {
  test("passes on at once what the sink takes, and touches nothing else", () => {
    const { source, sink, flow: it } = flow();
    it.push(bytes("one"));
    it.push(bytes("two"));
    expect(sink.written).toBe("onetwo");
    expect([...source.calls, ...sink.calls]).toEqual([]);
    expect({ bytes: it.bytes, blocked: it.blocked, holding: it.holding }).toEqual({
      bytes: 6,
      blocked: false,
      holding: false,
    });
  });

  test("holds what the sink refuses, stops the source, and goes on in order when there is room", () => {
    const { source, sink, flow: it } = flow();
    sink.room = 2;
    it.push(bytes("abcdef"));
    expect(source.calls).toEqual(["pause"]);
    expect(it.blocked).toBe(true);
    sink.room = 1;
    expect(it.flush()).toBe(true);
    expect({ written: sink.written, blocked: it.blocked, calls: source.calls }).toEqual({
      written: "abc",
      blocked: true,
      calls: ["pause"],
    });
    sink.room = Infinity;
    expect(it.flush()).toBe(true);
    expect(sink.written).toBe("abcdef");
    expect(source.calls).toEqual(["pause", "resume"]);
    expect(it.blocked).toBe(false);
  });

  test("a drain that brings no room moves nothing and says so", () => {
    const { sink, flow: it } = flow();
    expect(it.flush()).toBe(false);
    sink.room = 0;
    it.push(bytes("x"));
    expect(it.flush()).toBe(false);
    sink.room = -1; // closed, and we have not been told yet
    expect(it.flush()).toBe(false);
    expect({ written: sink.written, blocked: it.blocked }).toEqual({ written: "", blocked: true });
  });

  test("what a reset brings although the source is paused comes after what is held", () => {
    const { sink, flow: it } = flow();
    sink.room = 1;
    it.push(bytes("ab"));
    it.push(bytes("cd"));
    it.push(bytes("ef"));
    sink.room = Infinity;
    it.flush();
    expect(sink.written).toBe("abcdef");
    expect(it.bytes).toBe(6);
  });

  test("passes the end on, once, and only after everything held", () => {
    const { sink, flow: it } = flow();
    sink.room = 1;
    it.push(bytes("ab"));
    it.end();
    expect({ calls: sink.calls, finished: it.finished }).toEqual({ calls: [], finished: false });
    sink.room = Infinity;
    it.flush();
    expect({ written: sink.written, calls: sink.calls, finished: it.finished }).toEqual({
      written: "ab",
      calls: ["shutdown"],
      finished: true,
    });
    it.end();
    it.flush();
    expect(sink.calls).toEqual(["shutdown"]);
  });

  test("closes the sink instead when the flow back has finished before", () => {
    const { source, sink, flow: it } = flow();
    const back = new Flow(socket(sink), socket(source));
    it.opposite = back;
    back.opposite = it;
    it.end();
    back.end();
    expect([sink.calls, source.calls]).toEqual([["shutdown"], ["end"]]);
  });

  test("waits for its sink, up to a point, and puts the header first", () => {
    const source = new FakeSocket();
    const it = new Flow(socket(source), null);
    it.push(bytes("hello"));
    expect({ calls: source.calls, blocked: it.blocked, holding: it.holding }).toEqual({
      calls: [],
      blocked: false,
      holding: true,
    });
    it.push(new Uint8Array(64 * 1024));
    expect(source.calls).toEqual(["pause"]);
    it.end();
    const sink = new FakeSocket();
    it.connect(socket(sink), bytes("PROXY "));
    expect(sink.written).toStartWith("PROXY hello");
    expect(sink.written).toHaveLength(11 + 64 * 1024);
    expect(sink.calls).toEqual(["shutdown"]);
  });

  test("reads on when the sink it waited for has taken everything", () => {
    const source = new FakeSocket();
    const it = new Flow(socket(source), null);
    it.push(new Uint8Array(64 * 1024));
    it.connect(socket(new FakeSocket()), null);
    expect(source.calls).toEqual(["pause", "resume"]);
  });

  test("a header alone is sent without waiting for the client", () => {
    const sink = new FakeSocket();
    new Flow(socket(new FakeSocket()), null).connect(socket(sink), bytes("PROXY"));
    expect({ written: sink.written, calls: sink.calls }).toEqual({ written: "PROXY", calls: [] });
  });

  test("forgets what is held when the sink is gone", () => {
    const { sink, flow: it } = flow();
    sink.room = 0;
    it.push(bytes("lost"));
    it.sinkClosed();
    expect({ holding: it.holding, blocked: it.blocked, finished: it.finished }).toEqual({
      holding: false,
      blocked: false,
      finished: true,
    });
    sink.room = Infinity;
    it.flush();
    expect(sink.written).toBe("");
  });

  test("a source given up on is neither read nor heard any more, and never resumed", () => {
    const { source, sink, flow: it } = flow();
    sink.room = 1;
    it.push(bytes("ab"));
    it.deafen();
    it.end();
    it.push(bytes("late"));
    sink.room = Infinity;
    it.flush();
    expect({ written: sink.written, bytes: it.bytes, calls: source.calls, to: sink.calls }).toEqual({
      written: "ab",
      bytes: 2,
      calls: ["pause"],
      to: ["shutdown"],
    });
  });
});
