import { describe, expect, test } from "bun:test";
import { systemClock } from "../../src/core/clock.ts";
import { bindListeners, boundEndpoint, closeListeners } from "../../src/net/listen.ts";
import { HTTP_LIMITS, type HttpHandler, type HttpLimits } from "../../src/web/connection.ts";
import { HTTP_BACKLOG, HttpServer } from "../../src/web/server.ts";
import { atEnd } from "../support/cleanup.ts";
import { client, type TestClient } from "../support/client.ts";
import { freePort } from "../support/ports.ts";
import { seeded } from "../support/random.ts";
import { until } from "../support/until.ts";
import { mutations } from "./mutations.ts";

/** What the server has told of bugs. */
const failures: unknown[] = [];
const LARGE_BYTES = 16 * 1024 * 1024;

const handler: HttpHandler = (request) => {
  if (request.target === "/bug") throw new Error("a bug of ours");
  if (request.target === "/later-bug") return Promise.reject(new Error("a later bug"));
  if (request.target === "/later") return Promise.resolve({ status: 200, headers: {}, body: "later" });
  if (request.target === "/large") return { status: 200, headers: {}, body: "x".repeat(LARGE_BYTES) };
  if (request.target === "/pieces") return { status: 200, headers: {}, body: { pieces: pieces() } };
  if (request.target === "/broken") return { status: 200, headers: {}, body: { pieces: brokenPieces() } };
  return { status: 200, headers: { "x-method": request.method }, body: `${request.target} ${request.body}` };
};

/** Pieces that have been made of all those that were begun. */
const made = { pieces: 0, ended: 0 };
const PIECES = 200;
const PIECE = new Uint8Array(64 * 1024).fill(0x78);

function* pieces(): Generator<Uint8Array> {
  try {
    for (let piece = 0; piece < PIECES; piece++) {
      made.pieces++;
      yield PIECE;
    }
  } finally {
    made.ended++;
  }
}

function* brokenPieces(): Generator<Uint8Array> {
  yield PIECE;
  throw new Error("a bug in the middle");
}

interface Served {
  server: HttpServer;
  port: number;
}

function serve(limits: Partial<HttpLimits> = {}, maxconn = 10): Served {
  failures.length = 0;
  made.pieces = made.ended = 0;
  const port = freePort();
  const fds = bindListeners({ kind: "tcp", host: "127.0.0.1", port }, { sockets: 1, backlog: HTTP_BACKLOG });
  expect(boundEndpoint(fds[0] as number)).toMatchObject({ port });
  const server = new HttpServer({
    maxconn,
    handler,
    clock: systemClock,
    onFailure: (error) => failures.push(error),
    limits: { ...HTTP_LIMITS, ...limits },
  });
  server.listen(fds);
  atEnd(() => {
    server.stop();
    server.listen([]);
    closeListeners(fds);
  });
  return { server, port };
}

const HOST = "Host: lb01\r\n";
const get = (target: string, headers = "") => `GET ${target} HTTP/1.1\r\n${HOST}${headers}\r\n`;

/** Everything that the server says to these bytes until it closes. */
async function exchange(port: number, ...pieces: (string | Uint8Array)[]): Promise<string> {
  const peer = client(port);
  for (const piece of pieces) await peer.send(piece);
  await peer.ended;
  peer.fin();
  return peer.received().toString("latin1");
}

/** Status lines of what was received. */
function statuses(text: string): string[] {
  return Array.from(text.matchAll(/HTTP\/1\.1 (\d{3}) /g), ([, status = ""]) => status);
}

describe("a client", () => {
  test("gets its answer with length, date and headers, and the next one on the same connection", async () => {
    const { port } = serve();
    const peer = client(port);
    await peer.send(get("/1"));
    const text = await peer.receive("/1 ");
    expect(text).toStartWith("HTTP/1.1 200 OK\r\ndate: ");
    expect(text).toContain("\r\ncontent-length: 3\r\nconnection: keep-alive\r\n");
    expect(text).toContain("\r\nx-content-type-options: nosniff\r\n");
    await peer.send(get("/2", "Connection: close\r\n"));
    expect(await peer.ended).toBe("fin");
    expect(peer.received().toString()).toEndWith(
      "connection: close\r\ncache-control: no-cache\r\nx-content-type-options: nosniff\r\nx-frame-options: DENY\r\ncross-origin-resource-policy: same-origin\r\nreferrer-policy: same-origin\r\ncontent-security-policy: default-src 'none'; frame-ancestors 'none'\r\nx-method: GET\r\n\r\n/2 ",
    );
  });

  test("that sends several requests at once gets the answers in their order", async () => {
    const { port } = serve();
    const text = await exchange(port, get("/1") + get("/later") + get("/3") + get("/4", "Connection: close\r\n"));
    expect(text.match(/\/\d |later/g)).toEqual(["/1 ", "later", "/3 ", "/4 "]);
  });

  test("that asks by HEAD gets the head of the answer alone, with its length", async () => {
    const { port } = serve();
    const text = await exchange(port, `HEAD /abc HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
    expect(text).toContain("content-length: 5\r\n");
    expect(text).toEndWith("\r\n\r\n");
  });

  test("that has ended its input is answered all the same", async () => {
    const { port } = serve();
    const peer = client(port);
    await peer.send(get("/1"));
    peer.fin();
    expect(await peer.ended).toBe("fin");
    expect(peer.received().toString()).toEndWith("/1 ");
  });

  test("that waits for leave sends its body when it is told to", async () => {
    const { port } = serve();
    const peer = client(port);
    await peer.send(
      `POST /p HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 4\r\nConnection: close\r\n\r\n`,
    );
    await peer.receive("HTTP/1.1 100 Continue\r\n\r\n");
    await peer.send("body");
    await peer.ended;
    expect(peer.received().toString()).toEndWith("/p body");
  });

  test("reads an answer of 16 MB to its last byte, however slowly", async () => {
    const { port } = serve();
    const peer = client(port);
    peer.pause();
    await peer.send(get("/large", "Connection: close\r\n"));
    let paused = true;
    const toggle = setInterval(() => {
      paused = !paused;
      if (paused) peer.pause();
      else peer.resume();
    }, 5);
    atEnd(() => clearInterval(toggle));
    await until("the end", async () => (await Promise.race([peer.ended, Bun.sleep(10)])) === "fin", {
      timeoutMs: 20_000,
    });
    expect(peer.received().length - peer.received().indexOf("\r\n\r\n") - 4).toBe(LARGE_BYTES);
  }, 30_000);

  test("whose request makes us fail is told 500, and the next one is served", async () => {
    const { port, server } = serve();
    expect(
      statuses(await exchange(port, get("/bug") + get("/later-bug") + get("/1", "Connection: close\r\n"))),
    ).toEqual(["500", "500", "200"]);
    expect(failures.map((error) => (error as Error).message)).toEqual(["a bug of ours", "a later bug"]);
    expect(Object.fromEntries(server.answers)).toEqual({ 500: 2, 200: 1 });
  });

  test("that sends nonsense is told 400 and hears it even if it sends megabytes more", async () => {
    const { port } = serve();
    const peer = client(port);
    await peer.send("\x16\x03\x01 nonsense");
    for (let part = 0; part < 4; part++) await peer.send(new Uint8Array(256 * 1024)).catch(() => {});
    await peer.ended;
    expect(statuses(peer.received().toString())).toEqual(["400"]);
  });

  test("that sends more while it is being answered is not read from meanwhile", async () => {
    const { port } = serve();
    const peer = client(port);
    peer.pause();
    await peer.send(get("/large"));
    for (let part = 0; part < 24; part++) void peer.send(new Uint8Array(1024 * 1024)).catch(() => {});
    await until("the connection to be full", async () => {
      const before = peer.socket.writableLength;
      await Bun.sleep(400);
      return before > 0 && peer.socket.writableLength === before;
    });
    expect(peer.socket.writableLength).toBeGreaterThan(8 * 1024 * 1024);
  });

  test("that asks by another method is told which there are", async () => {
    const { port } = serve();
    expect(await exchange(port, `PUT / HTTP/1.1\r\n${HOST}\r\n`)).toContain("\r\nallow: GET, HEAD, POST\r\n");
  });
});

describe("an answer in pieces", () => {
  test("comes in chunks, and the next answer behind it", async () => {
    const { port } = serve();
    const answer = await fetch(`http://127.0.0.1:${port}/pieces`);
    expect(answer.headers.get("transfer-encoding")).toBe("chunked");
    expect((await answer.arrayBuffer()).byteLength).toBe(PIECES * PIECE.length);
    const text = await exchange(port, get("/pieces") + get("/2", "Connection: close\r\n"));
    expect(text).toContain("\r\n10000\r\nxxxx");
    expect(text).toContain("xxxx\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n");
    expect(text).toEndWith("\r\n\r\n/2 ");
  });

  test("ends with the connection for HTTP/1.0, and is not made at all for HEAD", async () => {
    const { port } = serve();
    const old = await exchange(port, "GET /pieces HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const [head = "", body = ""] = old.split("\r\n\r\n");
    expect(head).not.toMatch(/transfer-encoding|content-length/);
    expect(head).toContain("connection: close");
    expect(body.length).toBe(PIECES * PIECE.length);
    made.pieces = 0;
    const text = await exchange(port, `HEAD /pieces HTTP/1.1\r\n${HOST}\r\n${get("/2", "Connection: close\r\n")}`);
    expect(statuses(text)).toEqual(["200", "200"]);
    expect(made.pieces).toBe(0);
  });

  test("is made no further than the client reads, and let go of when it leaves", async () => {
    const { port } = serve();
    const peer = client(port);
    peer.pause();
    await peer.send(get("/pieces"));
    await until("the connection to be full", async () => {
      const before = made.pieces;
      await Bun.sleep(50);
      return before > 0 && made.pieces === before;
    });
    expect(made.pieces).toBeLessThan(PIECES);
    expect(made.ended).toBe(0);
    peer.rst();
    await until("it to be let go of", () => made.ended === 1);
  });

  test("that breaks off in the middle does not look complete", async () => {
    const { port } = serve();
    const peer = client(port);
    await peer.send(get("/broken"));
    expect(await peer.ended).not.toBe("fin");
    expect(peer.received().toString()).not.toEndWith("0\r\n\r\n");
    expect(failures.map((error) => (error as Error).message)).toEqual(["a bug in the middle"]);
  });
});

describe("a client that takes its time", () => {
  test("with a head, byte by byte, is told 408", async () => {
    const { port } = serve({ requestMs: 200 });
    const peer = client(port);
    const drip = setInterval(() => void peer.send("a").catch(() => {}), 20);
    atEnd(() => clearInterval(drip));
    await peer.send("GET /");
    await peer.receive("HTTP/1.1 408 ");
    clearInterval(drip);
  });

  test("with a body is told 408, too", async () => {
    const { port } = serve({ requestMs: 200 });
    expect(statuses(await exchange(port, `POST / HTTP/1.1\r\n${HOST}Content-Length: 10\r\n\r\nabc`))).toEqual(["408"]);
  });

  test("and says nothing is closed on without a word", async () => {
    const { port } = serve({ requestMs: 100 });
    expect(await exchange(port)).toBe("");
  });

  test("between two requests is closed on without a word", async () => {
    const { port } = serve({ idleMs: 100 });
    expect(statuses(await exchange(port, get("/1")))).toEqual(["200"]);
  });

  test("with a second request has as long for it as with the first", async () => {
    const { port } = serve({ requestMs: 200, idleMs: 5000 });
    const peer = client(port);
    await peer.send(get("/1"));
    await peer.receive("/1 ");
    await peer.send("GET /2");
    await peer.receive("HTTP/1.1 408 ");
  });

  test("to read is dropped", async () => {
    const { port } = serve({ stallMs: 200 });
    const peer = client(port);
    peer.pause();
    await peer.send(get("/large"));
    await Bun.sleep(0);
    // Who does not read hears of it by what the kernel still had, and then the reset.
    await until("room", async () => statuses(await freshGet(port)).length === 1);
    await Bun.sleep(300);
    peer.resume();
    expect(await peer.ended).toBe("ECONNRESET");
    expect(peer.received().length).toBeLessThan(LARGE_BYTES);
  });

  test("to close after the answer is closed on", async () => {
    const { port, server } = serve({ lingerMs: 100 }, 1);
    const peer = client(port, { allowHalfOpen: true });
    await peer.send(get("/1", "Connection: close\r\n"));
    await peer.ended;
    // It holds its half open, and the only place there is.
    expect(statuses(await freshGet(port))).toEqual(["200"]);
    await until("its place", () => !server.isCrowded);
  });
});

function freshGet(port: number): Promise<string> {
  return exchange(port, get("/", "Connection: close\r\n"));
}

describe("with as many clients as may be", () => {
  /** Clients that have begun a request and do not go on. */
  async function crowd(port: number, count: number): Promise<TestClient[]> {
    const peers = Array.from({ length: count }, () => client(port));
    for (const peer of peers) {
      await peer.connected;
      await peer.send("GET /");
    }
    return peers;
  }

  test("further ones wait, and are served when one goes", async () => {
    const { port, server } = serve({}, 3);
    const peers = await crowd(port, 3);
    await until("all three", () => server.isCrowded);
    const waiting = client(port);
    await waiting.connected;
    await waiting.send(get("/waiting"));
    await Bun.sleep(200);
    expect(waiting.received().length).toBe(0);
    peers[0]?.rst();
    await waiting.receive("/waiting ");
  });

  test("100 at once are all served, never more than that many at a time", async () => {
    const { port } = serve({}, 2);
    const texts = await Promise.all(
      Array.from({ length: 100 }, (_, i) => exchange(port, get(`/${i}`, "Connection: close\r\n"))),
    );
    expect(texts.every((text, i) => text.endsWith(`/${i} `))).toBeTrue();
  }, 20_000);

  test("who is idle between two requests gives way at once to who comes", async () => {
    const { port } = serve({ idleMs: 60_000 }, 2);
    const [first, second] = [client(port), client(port)];
    await first.send(get("/first"));
    await first.receive("/first ");
    await second.send(get("/second"));
    expect(await first.ended).toBe("fin");
    first.fin();
    await second.receive("/second ");
  });

  test("who has not said a word gives way soon", async () => {
    const { port } = serve({ requestMs: 60_000, silentMs: 100 }, 2);
    for (let count = 0; count < 2; count++) await client(port).connected;
    expect(statuses(await freshGet(port))).toEqual(["200"]);
  });

  test("more may be from one moment to the next", async () => {
    const { port, server } = serve({}, 1);
    await crowd(port, 1);
    await until("one", () => server.isCrowded);
    const waiting = client(port);
    await waiting.send(get("/waiting"));
    server.maxconn = 2;
    await waiting.receive("/waiting ");
  });
});

describe("a server that leaves", () => {
  test("answers who has asked, closes behind the answer, and accepts nobody", async () => {
    const { port, server } = serve({}, 1);
    const peer = client(port);
    await peer.send("GET /1 HTTP/1.1\r\n");
    await until("it to be served", () => server.isCrowded);
    server.leave();
    const late = client(port);
    await late.send(get("/late"));
    await peer.send(`${HOST}\r\n`);
    expect(await peer.ended).toBe("fin");
    expect(peer.received().toString()).toContain("connection: close");
    peer.fin();
    expect(late.received().length).toBe(0);
  });
});

test("5,000 mutated requests over connections: every client is answered or closed on, and the next one served", async () => {
  const { port, server } = serve({ requestMs: 300, lingerMs: 50 }, 64);
  const random = seeded(7);
  const one = async (): Promise<void> => {
    const peer = client(port);
    const bytes = mutations(random);
    const cut = random(bytes.length);
    await peer.send(bytes.subarray(0, cut)).catch(() => {});
    await peer.send(bytes.subarray(cut)).catch(() => {});
    if (random(5) === 0) peer.rst();
    else peer.fin();
    await peer.ended;
  };
  for (let round = 0; round < 100; round++) await Promise.all(Array.from({ length: 50 }, one));
  expect(failures).toEqual([]);
  expect(statuses(await freshGet(port))).toEqual(["200"]);
  expect([...server.answers.keys()].toSorted()).toContain(400);
}, 60_000);

describe("a process that ends", () => {
  test("has whoever has asked answered first, and waits for nobody else", async () => {
    const { port, server } = serve();
    const idle = client(port);
    await idle.send(get("/idle"));
    await idle.receive("/idle ");
    const asking = client(port);
    await asking.connected;
    await until("both", () => server.size === 2);
    const { promise, resolve } = Promise.withResolvers<void>();
    server.finish(resolve);
    await asking.send(get("/asking"));
    expect(await idle.ended).toBe("fin");
    expect(await asking.receive("/asking ")).toContain("connection: close");
    asking.fin();
    await promise;
    expect(server.size).toBe(0);
  });

  test("does not wait long for one that never reads", async () => {
    const { port, server } = serve({ lastAnswerMs: 100 });
    const deaf = client(port);
    deaf.pause();
    await deaf.send(get("/large"));
    await until("it", () => server.answers.get(200) === 1);
    const { promise, resolve } = Promise.withResolvers<void>();
    server.finish(resolve);
    await promise;
    expect(server.size).toBe(0);
  });
});
