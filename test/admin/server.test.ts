import { describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { request } from "../../src/admin/client.ts";
import type { AdminCommand, Reply } from "../../src/admin/command.ts";
import { sessionCommands } from "../../src/admin/commands/session.ts";
import type { AdminLimits } from "../../src/admin/connection.ts";
import { ADMIN_LIMITS, type AdminServer, serveAdmin } from "../../src/admin/server.ts";
import { systemClock } from "../../src/core/clock.ts";
import { bindListeners, closeListeners } from "../../src/net/listen.ts";
import { atEnd } from "../support/cleanup.ts";
import { tmpDir } from "../support/tmp.ts";
import { tool } from "../support/tools.ts";
import { until } from "../support/until.ts";

const LARGE_BYTES = 8 * 1024 * 1024;
/** How many commands have been run, by name. */
const runs = new Map<string, number>();
const command = (name: string, run: () => Reply | Promise<Reply>): AdminCommand => ({
  words: [name],
  usage: name,
  summary: name,
  level: "user",
  run() {
    runs.set(name, (runs.get(name) ?? 0) + 1);
    return run();
  },
});
const COMMANDS = [
  command("hello", () => "world\n"),
  command("silent", () => ""),
  command("large", () => `${"x".repeat(LARGE_BYTES - 1)}\n`),
  command("broken", () => {
    throw new Error("a bug of ours");
  }),
  command("later", () => new Promise((resolve, reject) => pending.push({ resolve, reject }))),
  command("pieces", () => ({ pieces: pieces(64) })),
  command("endless", () => ({ pieces: pieces(Infinity) })),
  command("breaking", () => ({ pieces: pieces(2, () => Promise.reject(new Error("a bug of ours"))) })),
  ...sessionCommands([]),
];
const PIECE = `${"y".repeat(64 * 1024 - 1)}\n`;
/** How many pieces have been asked for, and whether nobody wants any more. */
const asked = { pieces: 0, over: false };
async function* pieces(count: number, atEnd: () => unknown = () => {}): AsyncGenerator<string> {
  Object.assign(asked, { pieces: 0, over: false });
  try {
    for (; asked.pieces < count; asked.pieces++) yield PIECE;
    await atEnd();
  } finally {
    asked.over = true;
  }
}
/** What `later` has still to answer, oldest first. */
const pending: { resolve: (text: string) => void; reject: (error: Error) => void }[] = [];

/** A served socket; the limits are ours unless a test needs shorter ones. */
function serve(limits: Partial<AdminLimits> = {}): { path: string; server: AdminServer } {
  runs.clear();
  pending.length = 0;
  const path = join(tmpDir(), "admin.sock");
  const fds = bindListeners({ kind: "unix", path }, { sockets: 1, backlog: 256, mode: 0o600 });
  const server = serveAdmin({ fd: fds[0] as number, backlog: 256, commands: COMMANDS, level: "admin" }, systemClock, {
    ...ADMIN_LIMITS,
    ...limits,
  });
  atEnd(() => {
    server.stop();
    closeListeners(fds);
  });
  return { path, server };
}

interface Client {
  socket: Socket;
  heard: () => string;
  closed: () => boolean;
}

/** A client that sends what it is told, and reads unless told not to. */
function client(path: string, { reads = true } = {}): Client {
  const socket = connect({ path, allowHalfOpen: true });
  const state = { heard: "", closed: false };
  socket.on("error", () => {});
  socket.on("close", () => {
    state.closed = true;
  });
  socket.on("end", () => socket.end());
  if (reads) socket.on("data", (chunk) => (state.heard += chunk.toString("latin1")));
  else socket.pause();
  atEnd(() => {
    socket.destroy();
  });
  return { socket, heard: () => state.heard, closed: () => state.closed };
}

/** All that is heard from sending `data` until the server closes. */
async function exchange(path: string, data: string | Uint8Array): Promise<string> {
  const { socket, heard, closed } = client(path);
  socket.write(data);
  await until("the server to close", closed);
  return heard();
}

describe("the admin socket", () => {
  test("answers one line, command by command, and closes", async () => {
    const { path } = serve();
    expect(await exchange(path, "hello\n")).toBe("world\n\n");
    expect(await exchange(path, "hello;silent; hello\r\n")).toBe("world\n\n\nworld\n\n");
    expect(await exchange(path, "hello\r\nhello;hello\n")).toBe("world\n\n".repeat(3));
    expect(await exchange(path, "\n")).toStartWith("Unknown command.");
  });

  test("answers a client that ends its input right after the line, or instead of it", async () => {
    const { path } = serve();
    for (const text of ["hello\n", "hello"]) {
      const { socket, heard, closed } = client(path);
      socket.end(text);
      await until("the server to close", closed);
      expect(heard()).toBe("world\n\n");
    }
  });

  test("goes on with a line that has begun, and waits for the rest of it", async () => {
    const { path } = serve();
    const { socket, heard, closed } = client(path);
    socket.write("hello\nhel");
    await until("the first answer", () => heard() === "world\n\n");
    socket.write("lo\n");
    await until("the server to close", closed);
    expect(heard()).toBe("world\n\nworld\n\n");
  });

  test("keeps the line to a client that asks for a prompt, until it quits", async () => {
    const { path } = serve();
    const { socket, heard, closed } = client(path);
    for (const [line, said] of [
      ["prompt", "\n> "],
      ["hello;silent", "\n> world\n\n> \n> "],
      ["", "Unknown command."],
    ] as const) {
      socket.write(`${line}\n`);
      await until(`the answer to ${line}`, () => heard().includes(said) && heard().endsWith("> "));
    }
    expect(closed()).toBe(false);
    const before = heard();
    socket.write("quit\nhello\n");
    await until("the server to close", closed);
    expect(heard()).toBe(before);
  });

  test("gives a client the time between its lines that it has asked for", async () => {
    const { path } = serve({ idleMs: 60 });
    const patient = client(path);
    const other = client(path);
    patient.socket.write("prompt;set timeout cli 30\n");
    other.socket.write("prompt\n");
    await until("the other to be dropped", other.closed);
    expect(patient.closed()).toBe(false);
    patient.socket.write("hello;quit\n");
    await until("the server to close", patient.closed);
    expect(patient.heard()).toBe("\n> \n> world\n\n> ");
  });

  test("closes on a client that says nothing at all", async () => {
    const { path } = serve();
    const { socket, closed } = client(path);
    socket.end();
    await until("the server to close", closed);
  });

  test("closes although the client does not", async () => {
    const { path } = serve({ lingerMs: 20 });
    const { socket } = client(path);
    socket.removeAllListeners("end");
    const ended = Promise.withResolvers<void>();
    socket.on("end", () => ended.resolve());
    socket.write("hello\n");
    await ended.promise;
    // Once the server's side is gone, writing fails.
    await until("the server to be gone", () => {
      socket.write("x");
      return socket.destroyed;
    });
  });

  test("gives a large answer whole to a slow reader", async () => {
    const { path } = serve();
    const { socket } = client(path, { reads: false });
    socket.write("large;hello\n");
    await until("the command to be run", () => runs.get("large") === 1);
    let bytes = 0;
    let last = "";
    socket.on("data", (chunk) => {
      bytes += chunk.length;
      last = (last + chunk.toString("latin1")).slice(-20);
    });
    socket.resume();
    await until("the whole answer", () => bytes >= LARGE_BYTES + 1 + 7);
    expect([bytes, last.endsWith("\n\nworld\n\n")]).toEqual([LARGE_BYTES + 8, true]);
  });

  test("survives a command that fails, and says so", async () => {
    const { path } = serve();
    expect(await exchange(path, "broken;hello\n")).toBe("Internal error: a bug of ours\n\nworld\n\n");
  });

  const socat = tool("socat") ?? "";
  test.skipIf(socat === "")("is read by socat", async () => {
    const { path } = serve();
    const child = Bun.spawn([socat, "-", `UNIX-CONNECT:${path}`], {
      stdin: new Blob(["hello;hello\n"]),
      stdout: "pipe",
    });
    expect(await new Response(child.stdout).text()).toBe("world\n\nworld\n\n");
    expect(await child.exited).toBe(0);
  });

  test("ends for everybody when it stops, and the queued wait for whoever listens next", async () => {
    const { path, server } = serve();
    const { socket, closed } = client(path);
    socket.write("hel");
    await until("the client to be served", async () => (await exchange(path, "hello\n")) === "world\n\n");
    server.stop();
    await until("the client to be dropped", closed);
  });
});

test("a server that leaves answers who has asked, and keeps nobody who has a prompt", async () => {
  const { path, server } = serve();
  const [idle, asking] = [client(path), client(path)];
  idle.socket.write("prompt\n");
  asking.socket.write("prompt;later;hello\n");
  await until("both to be served", () => idle.heard() === "\n> " && pending.length === 1);
  server.leave();
  await until("the idle one to be closed", idle.closed);
  pending[0]?.resolve("at last\n");
  await until("the other to be closed", asking.closed);
  expect(asking.heard()).toBe("\n> at last\n\nworld\n\n");
});

describe("an answer that comes later", () => {
  /** A client whose command is under way. */
  async function asking(path: string, line = "later\n"): Promise<Client> {
    const asked = client(path);
    const before = pending.length;
    asked.socket.write(line);
    await until("the command to be run", () => pending.length > before);
    return asked;
  }

  test("is given when it is there, and the commands after it wait their turn", async () => {
    const { path } = serve();
    const { heard, closed } = await asking(path, "hello;later;hello\n");
    expect([heard(), runs.get("hello")]).toEqual(["world\n\n", 1]);
    pending[0]?.resolve("at last\n");
    await until("the server to close", closed);
    expect(heard()).toBe("world\n\nat last\n\nworld\n\n");
  });

  test("holds up nobody else", async () => {
    const { path } = serve();
    const { heard, closed } = await asking(path);
    expect(await request(path, "hello", 1000)).toBe("world\n");
    const second = await asking(path);
    pending[1]?.resolve("second\n");
    await until("the second to be answered", second.closed);
    expect([second.heard(), heard(), closed()]).toEqual(["second\n\n", "", false]);
  });

  test("may be a failure, which is said, and the commands after it are run", async () => {
    const { path } = serve();
    const { heard, closed } = await asking(path, "later;hello\n");
    pending[0]?.reject(new Error("a bug of ours"));
    await until("the server to close", closed);
    expect(heard()).toBe("Internal error: a bug of ours\n\nworld\n\n");
  });

  test("is waited for longer than an idle client is, also by one that has ended its input", async () => {
    const { path } = serve({ idleMs: 50 });
    const { socket, heard, closed } = await asking(path);
    socket.end();
    // Somebody who says nothing is dropped after the same time: it has passed for both.
    const idle = client(path);
    await until("the idle one to be dropped", idle.closed);
    expect(closed()).toBe(false);
    pending[0]?.resolve("patience\n");
    await until("the server to close", closed);
    expect(heard()).toBe("patience\n\n");
  });

  test("that never comes is given up at the deadline for answers, and its place is free again", async () => {
    const { path } = serve({ clients: 1, answerMs: 100 });
    const { heard, closed } = await asking(path);
    expect(await request(path, "hello", 3000)).toBe("world\n");
    await until("the client to be dropped", closed);
    expect(heard()).toBe("");
    // Too late: nobody is there to hear it, and nobody else may.
    pending[0]?.resolve("too late\n");
    expect(await request(path, "hello", 1000)).toBe("world\n");
  });

  test("is forgotten when its client has gone, and the commands after it are not run", async () => {
    const { path } = serve({ clients: 1 });
    const { socket } = await asking(path, "later;hello\n");
    socket.resetAndDestroy();
    // There is room for one: this waits until the server has seen it go.
    expect(await request(path, "silent", 3000)).toBe("");
    pending[0]?.resolve("too late\n");
    expect(await request(path, "silent", 1000)).toBe("");
    expect(runs.get("hello")).toBeUndefined();
  });

  test("is lost when the server stops, and nothing comes of it", async () => {
    const { path, server } = serve();
    const { heard, closed } = await asking(path);
    server.stop();
    await until("the client to be dropped", closed);
    pending[0]?.resolve("too late\n");
    await Bun.sleep(0);
    expect(heard()).toBe("");
  });
});

describe("a hostile client", () => {
  test("that sends 10 MB without a newline is told so, costs nothing and is rid of", async () => {
    const { path } = serve();
    const before = process.memoryUsage().rss;
    const { socket, heard, closed } = client(path);
    const megabyte = Buffer.alloc(1024 * 1024, "a");
    for (let i = 0; i < 10; i++) socket.write(megabyte);
    await until("the server to close", closed);
    expect(heard()).toBe("Command line too long: at most 16384 bytes.\n\n");
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
    expect(await request(path, "hello", 1000)).toBe("world\n");
  });

  test("that sends commands without end and reads none of the answers is not read on", async () => {
    const { path } = serve({ answerMs: 2000, idleMs: 300 });
    const { socket, closed } = client(path, { reads: false });
    const before = process.memoryUsage().rss;
    socket.write("prompt\n");
    const lines = Buffer.from("large\n".repeat(100_000));
    for (let i = 0; i < 20; i++) socket.write(lines);
    await until("the first command to be run", () => runs.get("large") === 1);
    expect(await request(path, "hello", 1000)).toBe("world\n");
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
    await Bun.sleep(400);
    socket.on("data", () => {});
    socket.resume();
    await until("the client to be dropped", closed);
    expect(runs.get("large")).toBe(1);
  });

  test("that keeps all places, with prompts or in silence, loses them to whoever asks", async () => {
    const { path } = serve({ clients: 4, idleMs: 20_000 });
    const asked = Array.from({ length: 2 }, () => client(path));
    for (const { socket } of asked) socket.write("prompt;set timeout cli 1000\n");
    await until("the prompts", () => asked.every(({ heard }) => heard() === "\n> \n> "));
    const mute = Array.from({ length: 12 }, () => client(path));
    expect(await request(path, "hello", 5000)).toBe("world\n");
    await until("those who came first to be gone", () => mute.filter(({ closed }) => closed()).length >= 10);
    expect(asked.some(({ closed }) => closed())).toBe(false);
  });

  test("that sends garbage and NULs gets a list of commands", async () => {
    const { path } = serve();
    const garbage = new Uint8Array(5000).map((_, i) => (i * 37) % 256).filter((byte) => byte !== 0x0a);
    for (const data of [new Uint8Array([0, 0, 0, 0x0a]), Buffer.concat([garbage, Buffer.from("\n")])]) {
      expect(await exchange(path, data)).toStartWith("Unknown command.");
    }
    expect(await request(path, "hello", 1000)).toBe("world\n");
  });

  test("that never reads its answer is held to one answer, and dropped at the deadline", async () => {
    const { path } = serve({ idleMs: 150 });
    const { socket } = client(path, { reads: false });
    socket.write(`${Array(100).fill("large").join(";")}\n`);
    await until("the first command to be run", () => runs.get("large") === 1);
    expect(await request(path, "hello", 1000)).toBe("world\n");
    // Reading now finds what the kernel held, and then the end: the server has dropped the rest.
    await Bun.sleep(300);
    let bytes = 0;
    socket.on("data", (chunk) => {
      bytes += chunk.length;
    });
    const ended = Promise.withResolvers<void>();
    socket.on("close", () => ended.resolve());
    socket.on("end", () => ended.resolve());
    socket.resume();
    await ended.promise;
    expect(bytes).toBeLessThan(LARGE_BYTES);
    expect(runs.get("large")).toBe(1);
  });

  test("that reads a drop at a time is dropped when the time for an answer is over", async () => {
    const { path } = serve({ clients: 1, answerMs: 300 });
    const { socket } = client(path, { reads: false });
    socket.write(`${Array(1000).fill("large").join(";")}\n`);
    const timer = setInterval(() => socket.read(1000), 5);
    atEnd(() => clearInterval(timer));
    await until("the client to be served", () => runs.has("large"));
    // There is room for one: this waits until the other has gone.
    expect(await request(path, "hello", 3000)).toBe("world\n");
    expect(runs.get("large")).toBeLessThan(1000);
  });

  test("that sends its line a byte at a time has no longer than others", async () => {
    const { path } = serve({ idleMs: 200 });
    const { socket, heard, closed } = client(path);
    const timer = setInterval(() => socket.write("x"), 20);
    atEnd(() => clearInterval(timer));
    await until("the client to be dropped", closed);
    expect(heard()).toBe("");
  });

  test("with a hundred connections takes no more than its share, and all who ask are answered in the end", async () => {
    const { path } = serve({ idleMs: 400, clients: 8 });
    const idle = Array.from({ length: 50 }, () => client(path));
    const asking = Array.from({ length: 50 }, () => client(path));
    for (const { socket } of asking) socket.write("hello\n");
    await until("the first question to be answered", () => asking.some(({ heard }) => heard() !== ""));
    // They came first, so all but seven of them had to leave before anybody else had a turn.
    expect(idle.filter(({ closed }) => closed()).length).toBeGreaterThanOrEqual(35);
    await until("every question to be answered", () => asking.every(({ heard }) => heard() === "world\n\n"), {
      timeoutMs: 8000,
    });
    await until("every idler to be dropped", () => idle.every(({ closed }) => closed()));
    expect(runs.get("hello")).toBe(50);
  });
});

describe("an answer in pieces", () => {
  test("arrives whole and in order, and the next command's behind it", async () => {
    const { path } = serve();
    expect(await exchange(path, "pieces; hello\n")).toBe(`${PIECE.repeat(64)}\nworld\n\n`);
    expect(asked.over).toBeTrue();
  });

  test("is asked for no faster than the client reads, and no more once the client has left", async () => {
    const { path } = serve();
    const { socket } = client(path, { reads: false });
    socket.write("endless\n");
    await until("the client's buffers to be full", async () => {
      const before = asked.pieces;
      await Bun.sleep(50);
      return before > 0 && asked.pieces === before;
    });
    expect(asked.pieces).toBeLessThan(100);
    expect(asked.over).toBeFalse();
    socket.destroy();
    await until("the rest to be let go", () => asked.over);
  });

  test("that fails on the way says so in its place, and the next command is answered", async () => {
    const { path } = serve();
    expect(await exchange(path, "breaking; hello\n")).toBe(
      `${PIECE.repeat(2)}Internal error: a bug of ours\n\nworld\n\n`,
    );
  });

  test("lets others have their answers in between", async () => {
    const { path } = serve();
    const { socket, heard } = client(path);
    socket.write("endless\n");
    await until("it to begin", () => heard().length > 0);
    expect(await exchange(path, "hello\n")).toBe("world\n\n");
    expect(asked.over).toBeFalse();
    socket.destroy();
    await until("the rest to be let go", () => asked.over);
  });
});
