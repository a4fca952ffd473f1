import { describe, expect, test } from "bun:test";
import { MAX_BODY_BYTES, MAX_HEAD_BYTES, MAX_LINE_BYTES, type Reading, RequestReader } from "../../src/web/request.ts";
import { seeded } from "../support/random.ts";
import { mutations } from "./mutations.ts";

/** All that is read of these pieces, in order. */
function read(...pieces: (string | Uint8Array)[]): Reading[] {
  const reader = new RequestReader();
  const found: Reading[] = [];
  for (const piece of pieces) {
    reader.push(typeof piece === "string" ? Buffer.from(piece, "latin1") : piece);
    for (let reading = reader.next(); reading !== null; reading = reader.next()) {
      found.push(reading);
      if (reading.kind !== "request") break;
    }
  }
  return found;
}

/** "200 GET /path", or the status of the refusal. */
function verdicts(...pieces: string[]): string[] {
  return read(...pieces).map((reading) => {
    if (reading.kind === "request") return `${reading.request.method} ${reading.request.target}`;
    return reading.kind === "refused" ? String(reading.status) : reading.kind;
  });
}

const HOST = "Host: lb01:8404\r\n";

describe("a request", () => {
  test("has method, target, headers by lower-case name, and a body", () => {
    const [reading] = read(
      `POST /a?b=c HTTP/1.1\r\n${HOST}X-One:  two \r\nx-one: three\r\nContent-Length: 5\r\n\r\nhello`,
    );
    expect(reading).toMatchObject({
      kind: "request",
      request: { method: "POST", target: "/a?b=c", body: "hello", keepAlive: true },
    });
    const { request } = reading as Extract<Reading, { kind: "request" }>;
    expect(Object.fromEntries(request.headers)).toEqual({
      host: "lb01:8404",
      "x-one": "two, three",
      "content-length": "5",
    });
  });

  test("may come in any pieces", () => {
    const whole = `POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\n${HOST}\r\n`;
    for (const size of [1, 2, 3, 7, 100]) {
      const pieces = Array.from({ length: Math.ceil(whole.length / size) }, (_, i) =>
        whole.slice(i * size, (i + 1) * size),
      );
      expect(verdicts(...pieces)).toEqual(["POST /", "GET /2"]);
    }
  });

  test("may follow another, with an empty line between them", () => {
    expect(verdicts(`GET /1 HTTP/1.1\r\n${HOST}\r\n\r\nGET /2 HTTP/1.1\r\n${HOST}\r\n`)).toEqual(["GET /1", "GET /2"]);
  });

  test.each<[string, string]>([
    ["lines that end with LF alone", "GET / HTTP/1.1\nHost: a\n\n"],
    ["no Host in HTTP/1.0", "GET / HTTP/1.0\r\n\r\n"],
    ["a target with scheme and host", `GET http://lb01:8404/ HTTP/1.1\r\n${HOST}\r\n`],
    ["a target of scheme and host alone", `GET http://lb01:8404 HTTP/1.1\r\n${HOST}\r\n`],
    ["an IPv6 address as Host", "GET / HTTP/1.1\r\nHost: [::1]:8404\r\n\r\n"],
    ["an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n"],
    ["a later minor version", `GET / HTTP/1.9\r\n${HOST}\r\n`],
    ["a header without a value", `GET / HTTP/1.1\r\n${HOST}X:\r\n\r\n`],
    ["bytes above ASCII in a value", `GET / HTTP/1.1\r\n${HOST}X: \xe4\xff\r\n\r\n`],
  ])("may have %s", (_what, text) => {
    expect(verdicts(text)).toEqual(["GET /"]);
  });

  test.each<[string, string, string]>([
    ["nothing of HTTP", "hello\r\n\r\n", "400"],
    ["a TLS handshake, at its first byte", "\x16\x03\x01", "400"],
    ["more than a few empty lines", "\r\n".repeat(5), "400"],
    ["HTTP/0.9", "GET /\r\n\r\n", "400"],
    ["two blanks", `GET  / HTTP/1.1\r\n${HOST}\r\n`, "400"],
    ["a blank at the end of the line", `GET / HTTP/1.1 \r\n${HOST}\r\n`, "400"],
    ["HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"],
    ["HTTP/3", `GET / HTTP/3.0\r\n${HOST}\r\n`, "505"],
    ["a method that is for other servers", `DELETE / HTTP/1.1\r\n${HOST}\r\n`, "405"],
    ["OPTIONS *", `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, "405"],
    ["a method that nobody knows", `BREW / HTTP/1.1\r\n${HOST}\r\n`, "501"],
    ["a method in small letters", `get / HTTP/1.1\r\n${HOST}\r\n`, "501"],
    ["a target that is no path", `GET haproxy.stats HTTP/1.1\r\n${HOST}\r\n`, "400"],
    ["a byte above ASCII in the target", `GET /\xe4 HTTP/1.1\r\n${HOST}\r\n`, "400"],
    ["a NUL in the target", `GET /\0 HTTP/1.1\r\n${HOST}\r\n`, "400"],
    ["no Host in HTTP/1.1", "GET / HTTP/1.1\r\n\r\n", "400"],
    ["two Hosts", `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`, "400"],
    ["two users", `GET / HTTP/1.1\r\n${HOST}Authorization: Basic YQ==\r\nAuthorization: Basic YQ==\r\n\r\n`, "400"],
    ["a Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400"],
    ["a folded header", `GET / HTTP/1.1\r\n${HOST}X: a\r\n b\r\n\r\n`, "400"],
    ["a blank before a colon", `GET / HTTP/1.1\r\n${HOST}X : a\r\n\r\n`, "400"],
    ["a header without a colon", `GET / HTTP/1.1\r\n${HOST}X\r\n\r\n`, "400"],
    ["a lone CR in a value", `GET / HTTP/1.1\r\n${HOST}X: a\rb\r\n\r\n`, "400"],
    ["a NUL in a value", `GET / HTTP/1.1\r\n${HOST}X: a\0b\r\n\r\n`, "400"],
    ["a length that is no number", `POST / HTTP/1.1\r\n${HOST}Content-Length: 1x\r\n\r\n`, "400"],
    ["a negative length", `POST / HTTP/1.1\r\n${HOST}Content-Length: -1\r\n\r\n`, "400"],
    ["two lengths", `POST / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 1\r\n\r\n`, "400"],
    ["a long body", `POST / HTTP/1.1\r\n${HOST}Content-Length: ${MAX_BODY_BYTES + 1}\r\n\r\n`, "413"],
    ["a chunked body", `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, "501"],
    ["a wish that nobody knows", `POST / HTTP/1.1\r\n${HOST}Expect: cake\r\nContent-Length: 1\r\n\r\n`, "417"],
    ["a hundred headers and one", `GET / HTTP/1.1\r\n${HOST}${"A: b\r\n".repeat(100)}\r\n`, "431"],
  ])("is refused with %s", (_what, text, status) => {
    expect(verdicts(text)).toEqual([status]);
  });

  test("is refused as soon as its line is too long, or its head", () => {
    const line = (bytes: number) => `GET /${"a".repeat(bytes - "GET / HTTP/1.1\r\n".length)} HTTP/1.1\r\n`;
    expect(verdicts(`${line(MAX_LINE_BYTES)}${HOST}\r\n`)).toHaveLength(1);
    expect(verdicts(`${line(MAX_LINE_BYTES)}${HOST}\r\n`)[0]).toStartWith("GET /a");
    expect(verdicts(`${line(MAX_LINE_BYTES + 1)}${HOST}\r\n`)).toEqual(["414"]);
    expect(verdicts("G".repeat(MAX_LINE_BYTES + 1))).toEqual(["414"]);
    const head = (bytes: number) => {
      const start = `GET / HTTP/1.1\r\n${HOST}X: `;
      return `${start}${"a".repeat(bytes - start.length - 4)}\r\n\r\n`;
    };
    expect(verdicts(head(MAX_HEAD_BYTES))).toEqual(["GET /"]);
    expect(verdicts(head(MAX_HEAD_BYTES + 1))).toEqual(["431"]);
    expect(verdicts(head(2 * MAX_HEAD_BYTES).slice(0, -4))).toEqual(["431"]);
  });

  test("may have a body as long as is allowed, and no byte of it is taken for the next request", () => {
    const body = "GET / HTTP/1.1\r\n\r\n".padEnd(MAX_BODY_BYTES, "x");
    const text = `POST /1 HTTP/1.1\r\n${HOST}Content-Length: ${MAX_BODY_BYTES}\r\n\r\n${body}GET /2 HTTP/1.1\r\n${HOST}\r\n`;
    expect(verdicts(text)).toEqual(["POST /1", "GET /2"]);
  });

  test.each<[string, string, boolean]>([
    ["HTTP/1.1", "", true],
    ["HTTP/1.1", "Connection: close\r\n", false],
    ["HTTP/1.1", "Connection: foo, Close\r\n", false],
    ["HTTP/1.0", "", false],
    ["HTTP/1.0", "Connection: Keep-Alive\r\n", true],
  ])("of %s with %j leaves the connection open: %p", (version, header, keepAlive) => {
    expect(read(`GET / ${version}\r\n${HOST}${header}\r\n`)).toMatchObject([{ request: { keepAlive } }]);
  });

  test("that waits for leave to send its body is told so once, and not when the body is there", () => {
    const head = `POST / HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n`;
    expect(verdicts(head, "o", "k")).toEqual(["continue", "POST /"]);
    expect(verdicts(`${head}ok`)).toEqual(["POST /"]);
  });
});

test("100,000 mutated requests end in a request, a refusal or the wish for more, within bounds, never in an exception", () => {
  const random = seeded(20_261_122);
  const seen = new Map<string, number>();
  for (let round = 0; round < 100_000; round++) {
    const bytes = mutations(random);
    const reader = new RequestReader();
    const cut = random(bytes.length);
    for (const piece of [bytes.subarray(0, cut), bytes.subarray(cut)]) {
      reader.push(piece);
      for (let reading = reader.next(); reading !== null; reading = reader.next()) {
        const kind = reading.kind === "refused" ? String(reading.status) : reading.kind;
        seen.set(kind, (seen.get(kind) ?? 0) + 1);
        if (reading.kind !== "request") break;
        expect(reading.request.target).toMatch(/^\/[\x21-\x7e]*$/);
        expect(reading.request.body.length).toBeLessThanOrEqual(MAX_BODY_BYTES);
      }
    }
  }
  // Every outcome there is has come up: the generator reaches them all.
  expect([...seen.keys()].toSorted()).toEqual(
    ["400", "405", "413", "414", "417", "431", "501", "505", "continue", "request"].toSorted(),
  );
}, 60_000);
