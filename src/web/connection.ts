import type { Clock } from "../core/clock.ts";
import type { StreamSocket } from "../net/stream.ts";
import { type HttpRequest, RequestReader } from "./request.ts";
import { CONTINUE, encodeChunk, encodeHead, type HttpResponse, plain } from "./response.ts";
import type { Turns } from "./turns.ts";

/** What clients may cost; one that oversteps is answered if it can be, and dropped. */
export interface HttpLimits {
  /** From the beginning of a request until all of it is there. */
  readonly requestMs: number;
  /** Between two requests on a connection. */
  readonly idleMs: number;
  /** Longest pause in reading an answer, and for all of it to be read. */
  readonly stallMs: number;
  readonly answerMs: number;
  /** For the client to close once it has been answered. */
  readonly lingerMs: number;
  /** While others may be waiting: how long a client may stay that has not said a word. */
  readonly silentMs: number;
  /** While the process ends: how long a request may be on its way, and an answer. */
  readonly lastMs: number;
  readonly lastAnswerMs: number;
}

export const HTTP_LIMITS: HttpLimits = {
  requestMs: 10_000,
  idleMs: 5000,
  stallMs: 10_000,
  answerMs: 60_000,
  lingerMs: 1000,
  silentMs: 1000,
  lastMs: 200,
  lastAnswerMs: 1000,
};

/** Answers a request, now or later. */
export type HttpHandler = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;

/** Who a connection belongs to. */
export interface HttpDesk {
  readonly clock: Clock;
  readonly limits: HttpLimits;
  readonly turns: Turns;
  readonly handler: HttpHandler;
  /** As many are served as may be, or no more are to be: connections are not kept. */
  readonly isCrowded: boolean;
  /** A request was answered with this status. */
  answered(status: number): void;
  /** The handler has failed. */
  failed(error: unknown): void;
  left(connection: HttpConnection): void;
}

/** One client: reads a request, answers it, and goes on with the next one or closes. */
export class HttpConnection {
  private phase: "reading" | "answering" | "closing" = "reading";
  private readonly reader = new RequestReader();
  private unsent: Uint8Array[] = [];
  /** What is still to be made of the answer; null: nothing. */
  private rest: { readonly pieces: Iterator<Uint8Array>; readonly chunked: boolean } | null = null;
  private keepAlive = false;
  private answerDeadlineMs = Infinity;
  private inputEnded = false;
  private gone = false;
  private served = 0;
  private readonly acceptedMs: number;
  private cancelDeadline: () => void;

  constructor(
    private readonly socket: StreamSocket<HttpConnection>,
    private readonly desk: HttpDesk,
  ) {
    this.acceptedMs = desk.clock.nowMs();
    this.cancelDeadline = desk.clock.after(desk.limits.requestMs, () => this.late());
  }

  /** Ends it at once; what was not read is lost. */
  drop(): void {
    this.socket.terminate();
  }

  /** Others may be waiting: goes if it has nothing to do here. */
  makeRoom(): void {
    if (this.phase !== "reading" || !this.reader.isEmpty) return;
    const { clock, limits } = this.desk;
    const silentForMs = clock.nowMs() - this.acceptedMs;
    if (this.served > 0) this.socket.end();
    else this.expire(limits.silentMs - silentForMs);
  }

  /** The process is about to end: goes, unless it is being answered or has just come with its request on the way. */
  finish(): void {
    if (this.phase === "closing" || (this.phase === "reading" && this.served > 0 && this.reader.isEmpty))
      this.socket.end();
    else if (this.phase === "reading") this.expire(this.desk.limits.lastMs);
  }

  data(chunk: Uint8Array): void {
    // Bytes behind the last request are read, so that closing does not reset the connection, and forgotten.
    if (this.phase === "closing") return;
    const begins = this.reader.isEmpty;
    this.reader.push(chunk);
    if (this.phase !== "reading") return;
    if (begins) this.expire(this.desk.limits.requestMs);
    this.read();
  }

  /** The client will send no more. */
  ended(): void {
    this.inputEnded = true;
    if (this.phase === "reading") this.socket.end();
  }

  writable(): void {
    if (this.unsent.length > 0) this.flush();
  }

  closed(): void {
    this.gone = true;
    this.cancelDeadline();
    this.unsent = [];
    this.rest?.pieces.return?.();
    this.rest = null;
    this.desk.left(this);
  }

  private read(): void {
    const reading = this.reader.next();
    if (reading === null) return;
    switch (reading.kind) {
      case "continue":
        // So few bytes fit into the buffer of a connection on which nothing was sent; where they do not, nobody waits long.
        this.socket.write(CONTINUE);
        return;
      case "refused":
        this.begin();
        this.say(plain(reading.status, reading.text, reading.status === 405 ? { allow: "GET, HEAD, POST" } : {}));
        return;
      case "request":
        this.begin();
        this.desk.turns.add(() => this.answer(reading.request));
        return;
    }
  }

  /** No further request is read before this one is answered. */
  private begin(): void {
    const { clock, limits } = this.desk;
    this.phase = "answering";
    this.answerDeadlineMs = clock.nowMs() + limits.answerMs;
    this.expire(limits.answerMs);
    this.socket.pause();
  }

  private answer(request: HttpRequest): void {
    if (this.gone) return;
    const respond = (response: HttpResponse): void => {
      if (!this.gone) this.say(response, request);
    };
    const excuse = (error: unknown): void => {
      this.desk.failed(error);
      respond(plain(500, "That went wrong; the log says more."));
    };
    try {
      const answered = this.desk.handler(request);
      if (answered instanceof Promise) answered.then(respond).catch(excuse);
      else respond(answered);
    } catch (error) {
      excuse(error);
    }
  }

  /** @param request null: it was none */
  private say(response: HttpResponse, request: HttpRequest | null = null): void {
    const { clock, limits, isCrowded } = this.desk;
    const { body } = response;
    const whole = typeof body === "string" ? new TextEncoder().encode(body) : null;
    const chunked = whole === null && request?.takesChunks === true;
    const hasEnd = whole !== null || chunked || request?.method === "HEAD";
    this.keepAlive = request?.keepAlive === true && hasEnd && !isCrowded && !this.inputEnded;
    const delivery = { keepAlive: this.keepAlive, wallMs: clock.wallMs() };
    this.unsent = [encodeHead(response, whole?.length ?? (chunked ? "chunked" : null), delivery)];
    if (request?.method !== "HEAD") {
      if (whole !== null) this.unsent.push(whole);
      if (typeof body !== "string") this.rest = { pieces: body.pieces[Symbol.iterator](), chunked };
    }
    this.desk.answered(response.status);
    this.expire(limits.stallMs);
    this.flush();
  }

  private flush(): void {
    for (let part = this.unsent[0]; part !== undefined; part = this.unsent[0]) {
      const taken = this.socket.write(part);
      if (taken < 0) return;
      if (taken > 0) this.expire(this.desk.limits.stallMs);
      if (taken < part.length) {
        this.unsent[0] = part.subarray(taken);
        return;
      }
      this.unsent.shift();
    }
    if (this.phase !== "answering") return;
    if (this.rest === null) this.done();
    else this.desk.turns.add(() => this.goOn());
  }

  /** Makes the next piece of the answer. */
  private goOn(): void {
    if (this.rest === null || this.unsent.length > 0) return;
    const { pieces, chunked } = this.rest;
    try {
      const { done, value } = pieces.next();
      if (done === true) this.rest = null;
      else if (value.length > 0) this.unsent = chunked ? encodeChunk(value) : [value];
      if (done === true && chunked) this.unsent = encodeChunk(null);
    } catch (error) {
      // What is missing must not look as if it had never been there.
      this.rest = null;
      this.desk.failed(error);
      this.drop();
      return;
    }
    this.flush();
  }

  private done(): void {
    this.served++;
    this.answerDeadlineMs = Infinity;
    if (!this.keepAlive) {
      this.close();
      return;
    }
    this.phase = "reading";
    const { limits, isCrowded } = this.desk;
    this.expire(this.reader.isEmpty ? limits.idleMs : limits.requestMs);
    this.socket.resume();
    if (!this.reader.isEmpty) this.read();
    else if (isCrowded) this.makeRoom();
  }

  private close(): void {
    this.phase = "closing";
    this.expire(this.desk.limits.lingerMs);
    this.socket.resume();
    this.socket.shutdown();
  }

  /** The time for what is going on is over. */
  private late(): void {
    if (this.phase === "closing") this.socket.end();
    else if (this.phase === "answering") this.drop();
    else if (this.reader.isEmpty) this.socket.end();
    else {
      this.begin();
      this.say(plain(408, "The request did not arrive in time."));
    }
  }

  private expire(delayMs: number): void {
    const { clock } = this.desk;
    this.cancelDeadline();
    const leftMs = Math.max(0, Math.min(delayMs, this.answerDeadlineMs - clock.nowMs()));
    this.cancelDeadline = clock.after(leftMs, () => this.late());
  }
}
