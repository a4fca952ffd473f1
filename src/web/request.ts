/** What is taken of HTTP/1.0 and 1.1 (RFC 9112): GET, HEAD and POST with a short body of a known length. */

/** Longest first line, longest head with that line, and longest body. */
export const MAX_LINE_BYTES = 8 * 1024;
export const MAX_HEAD_BYTES = 16 * 1024;
export const MAX_BODY_BYTES = 16 * 1024;
/** Most header lines. */
const MAX_FIELDS = 100;

export type HttpMethod = "GET" | "HEAD" | "POST";

export interface HttpRequest {
  readonly method: HttpMethod;
  /** Path and query as they were sent; begins with "/". */
  readonly target: string;
  /** By name in lower case; of a name that came several times the values stand in one line. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  /** The client would go on with the next request on this connection. */
  readonly keepAlive: boolean;
  /** The client understands an answer that comes in chunks, as HTTP/1.1 has them. */
  readonly takesChunks: boolean;
}

/** A request that is none, or none for us: the status to say, and why in a sentence. */
export interface Refusal {
  readonly kind: "refused";
  readonly status: 400 | 405 | 413 | 414 | 417 | 431 | 501 | 505;
  readonly text: string;
}

/** What has come of a client's bytes. */
export type Reading =
  | { readonly kind: "request"; readonly request: HttpRequest }
  /** It waits to be told that it may send the body. */
  | { readonly kind: "continue" }
  | Refusal;

/** A request without its body. */
interface Head {
  readonly kind: "head";
  readonly method: HttpMethod;
  readonly target: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly bodyBytes: number;
  readonly keepAlive: boolean;
  readonly takesChunks: boolean;
  readonly awaitsLeave: boolean;
}

const LF = 0x0a;
const CR = 0x0d;
/** Empty lines before a request, which some clients send behind the one before (RFC 9112 §2.2), may be so many bytes. */
const MAX_EMPTY_BYTES = 8;

/** Gathers a client's requests, one after the other. */
export class RequestReader {
  private bytes: Uint8Array = new Uint8Array(0);
  /** No head ends before this place. */
  private scanned = 0;
  private emptyBytes = 0;
  private head: Head | null = null;

  push(chunk: Uint8Array): void {
    this.bytes = this.bytes.length === 0 ? chunk : Buffer.concat([this.bytes, chunk]);
  }

  /** Whether nothing has come of a next request. */
  get isEmpty(): boolean {
    return this.bytes.length === 0 && this.head === null;
  }

  /** The next request of what has come; null: not all of it has. After a refusal there is no sense in what follows. */
  next(): Reading | null {
    if (this.head === null) {
      const head = this.readHead();
      if (head === null || head.kind === "refused") return head;
      this.head = head;
      if (head.awaitsLeave && this.bytes.length === 0) return { kind: "continue" };
    }
    const { head } = this;
    if (this.bytes.length < head.bodyBytes) return null;
    this.head = null;
    const body = new TextDecoder().decode(this.take(head.bodyBytes));
    const { method, target, headers, keepAlive, takesChunks } = head;
    return { kind: "request", request: { method, target, headers, body, keepAlive, takesChunks } };
  }

  private readHead(): Head | Refusal | null {
    if (!this.skipEmptyLines()) return refuse(400, "This is not an HTTP request.");
    const first = this.bytes[0];
    if (first === undefined) return null;
    // A TLS handshake, for one, has no line that could be waited for.
    if (!isTokenByte(first)) return refuse(400, "This is not an HTTP request. (Only plain HTTP is spoken here.)");
    const end = this.findEnd();
    const limit = Math.min(end ?? this.bytes.length, MAX_HEAD_BYTES + 1);
    const line = this.bytes.subarray(0, MAX_LINE_BYTES).indexOf(LF);
    if (line < 0 && limit > MAX_LINE_BYTES) return refuse(414, `The address is longer than ${MAX_LINE_BYTES} bytes.`);
    if (limit > MAX_HEAD_BYTES) return refuse(431, `The request's head is longer than ${MAX_HEAD_BYTES} bytes.`);
    if (end === null) return null;
    this.scanned = 0;
    this.emptyBytes = 0;
    return parseHead(Buffer.from(this.take(end)).toString("latin1"));
  }

  private skipEmptyLines(): boolean {
    let at = 0;
    while (this.bytes[at] === CR || this.bytes[at] === LF) at++;
    if (at > 0) this.take(at);
    this.emptyBytes += at;
    return this.emptyBytes <= MAX_EMPTY_BYTES;
  }

  /** Length of the head with the empty line that ends it; null: it has not ended. */
  private findEnd(): number | null {
    const { bytes } = this;
    for (let at = bytes.indexOf(LF, this.scanned); at >= 0; at = bytes.indexOf(LF, at + 1)) {
      if (at > MAX_HEAD_BYTES) break;
      this.scanned = at;
      if (bytes[at + 1] === LF) return at + 2;
      if (bytes[at + 1] === CR && bytes[at + 2] === LF) return at + 3;
    }
    return null;
  }

  private take(length: number): Uint8Array {
    const taken = this.bytes.subarray(0, length);
    this.bytes = this.bytes.subarray(length);
    return taken;
  }
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const REQUEST_LINE = /^(\S+) (\S+) HTTP\/(\d)\.(\d)$/;
/** Methods that there are (RFC 9110 §9), though not here. */
const OTHER_METHODS: ReadonlySet<string> = new Set(["PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]);
/** A second one could mean another thing to somebody between the client and us. */
const ONCE: ReadonlySet<string> = new Set(["host", "content-length", "authorization", "expect", "origin"]);

/** Reads a head with its empty line, each byte a character. */
export function parseHead(text: string): Head | Refusal {
  const lines = text.replace(/\r?\n\r?\n$/, "").split(/\r?\n/);
  const [, method = "", target = "", major, minor] = REQUEST_LINE.exec(lines[0] ?? "") ?? [];
  if (!TOKEN.test(method)) return refuse(400, "The first line is not one of HTTP/1.");
  if (major !== "1") return refuse(505, "Only HTTP/1.0 and HTTP/1.1 are spoken here.");
  if (OTHER_METHODS.has(method)) return refuse(405, `${method} is not for anything here.`);
  if (!isMethod(method)) return refuse(501, "There is no such method here.");
  const path = originForm(target);
  if (path === null) return refuse(400, "The address has characters that none may have.");
  const headers = parseFields(lines.slice(1));
  if (!(headers instanceof Map)) return headers;
  const isOld = minor === "0";
  const host = headers.get("host");
  if ((host === undefined && !isOld) || /[\s/?#@\\]/.test(host ?? ""))
    return refuse(400, "There is no proper Host line.");
  const bodyBytes = bodyLength(headers);
  if (typeof bodyBytes !== "number") return bodyBytes;
  const expected = headers.get("expect");
  if (expected !== undefined && expected.toLowerCase() !== "100-continue")
    return refuse(417, "Nothing is known of what is expected.");
  const wishes = (headers.get("connection") ?? "").toLowerCase().split(/[\s,]+/);
  return {
    kind: "head",
    method,
    target: path,
    headers,
    bodyBytes,
    keepAlive: isOld ? wishes.includes("keep-alive") : !wishes.includes("close"),
    takesChunks: !isOld,
    awaitsLeave: expected !== undefined && !isOld && bodyBytes > 0,
  };
}

function parseFields(lines: readonly string[]): Map<string, string> | Refusal {
  if (lines.length > MAX_FIELDS) return refuse(431, `There are more than ${MAX_FIELDS} header lines.`);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(0, colon)).toLowerCase();
    const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "");
    // Folded lines and blanks before the colon have no token there.
    if (!TOKEN.test(name) || hasControl(value)) return refuse(400, "There is a header line that is none.");
    const before = headers.get(name);
    if (before !== undefined && ONCE.has(name)) return refuse(400, `There is more than one ${name} line.`);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return headers;
}

function bodyLength(headers: ReadonlyMap<string, string>): number | Refusal {
  if (headers.has("transfer-encoding"))
    return refuse(501, "A body needs a Content-Length here; transfer codings are not taken.");
  const length = headers.get("content-length");
  if (length === undefined) return 0;
  if (!/^\d{1,15}$/.test(length)) return refuse(400, "The Content-Length is not a number.");
  return Number(length) <= MAX_BODY_BYTES
    ? Number(length)
    : refuse(413, `The body is longer than ${MAX_BODY_BYTES} bytes.`);
}

/** Path and query of a target, which proxies send with the scheme and the host before it; null: it is none of the two. */
function originForm(target: string): string | null {
  const [, path = target] = /^http:\/\/[^/?#]+(.*)$/i.exec(target) ?? [];
  const rooted = path === "" || path.startsWith("?") ? `/${path}` : path;
  return /^\/[\x21-\x7e]*$/.test(rooted) ? rooted : null;
}

function isMethod(method: string): method is HttpMethod {
  return method === "GET" || method === "HEAD" || method === "POST";
}

function isTokenByte(byte: number): boolean {
  return TOKEN.test(String.fromCharCode(byte));
}

function hasControl(value: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return /[\x00-\x08\x0a-\x1f\x7f]/.test(value);
}

function refuse(status: Refusal["status"], text: string): Refusal {
  return { kind: "refused", status, text };
}
