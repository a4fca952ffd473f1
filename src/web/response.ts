/** An answer. The connection's own headers, the length and the date are added when it is sent. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Pieces;
}

/**
 * A body that is made while it is sent: the next piece when the client has taken the one before, each in a turn of the event
 * loop of its own. A piece without bytes is a step on the way to one.
 */
export interface Pieces {
  readonly pieces: Iterable<Uint8Array>;
}

/** Reason phrases of the statuses that we say. */
const REASONS: Readonly<Record<number, string>> = {
  100: "Continue",
  200: "OK",
  302: "Found",
  303: "See Other",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  413: "Content Too Large",
  414: "URI Too Long",
  417: "Expectation Failed",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  503: "Service Unavailable",
  505: "HTTP Version Not Supported",
};

/** Every answer is taken for what it says it is, shown in no frame, and kept by nobody. */
const ALWAYS: Readonly<Record<string, string>> = {
  "cache-control": "no-cache",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "cross-origin-resource-policy": "same-origin",
  // With "no-referrer" browsers would send `Origin: null` along with our own forms.
  "referrer-policy": "same-origin",
};
/** Of what is not the page nothing is ever run or loaded. */
const NOTHING_RUNS = "default-src 'none'; frame-ancestors 'none'";

/** How an answer goes onto the wire. */
export interface Delivery {
  /** The client may send its next request on this connection. */
  readonly keepAlive: boolean;
  /** Epoch ms. */
  readonly wallMs: number;
}

const encoder = new TextEncoder();

/** The head of an answer. `length`: the body's, in bytes; "chunked"; null: it ends with the connection. */
export function encodeHead(
  { status, headers }: HttpResponse,
  length: number | "chunked" | null,
  { keepAlive, wallMs }: Delivery,
): Uint8Array {
  const lines = Object.entries({
    date: new Date(wallMs).toUTCString(),
    ...(length === "chunked" ? { "transfer-encoding": length } : length === null ? {} : { "content-length": length }),
    connection: keepAlive ? "keep-alive" : "close",
    ...ALWAYS,
    "content-security-policy": NOTHING_RUNS,
    ...headers,
  });
  const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return encoder.encode(`HTTP/1.1 ${status} ${REASONS[status] ?? ""}\r\n${text}\r\n`);
}

/** A piece of a body as a chunk of HTTP/1.1 (RFC 9112 §7.1); null: the end of it. */
export function encodeChunk(piece: Uint8Array | null): Uint8Array[] {
  if (piece === null) return [encoder.encode("0\r\n\r\n")];
  return [encoder.encode(`${piece.length.toString(16)}\r\n`), piece, encoder.encode("\r\n")];
}

/** What a client that waits for leave to send its body is told. */
export const CONTINUE: Uint8Array = encoder.encode("HTTP/1.1 100 Continue\r\n\r\n");

/** A sentence as an answer. */
export function plain(status: number, text: string, headers: Readonly<Record<string, string>> = {}): HttpResponse {
  return { status, headers: { "content-type": "text/plain; charset=utf-8", ...headers }, body: `${text}\n` };
}
