import { createSocket } from "node:dgram";
import { atEnd } from "../../../support/cleanup.ts";
import { freePort } from "../../../support/ports.ts";
import { until } from "../../../support/until.ts";

/** HAProxy's tcplog line, taken apart: `%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq`. */
export interface SessionLine {
  client: string;
  clientPort: number;
  frontend: string;
  backend: string;
  server: string;
  twMs: number;
  tcMs: number;
  ttMs: number;
  bytes: number;
  code: string;
  actconn: number;
  feconn: number;
  beconn: number;
  srvConn: number;
  /** As printed: "3", or "+1" after a redispatch. */
  retries: string;
  srvQueue: number;
  backendQueue: number;
}

/** A syslog server on UDP. */
export interface LogReceiver {
  /** "127.0.0.1:port". */
  readonly address: string;
  /** Messages so far, syslog header taken off. */
  messages(): string[];
  /** Session lines so far, of one frontend or all, in order of arrival. */
  sessions(frontend?: string): SessionLine[];
  /** Waits for a message that matches. */
  message(pattern: RegExp, timeoutMs?: number): Promise<string>;
  /** Waits until a frontend has logged that many sessions; returns all of them. */
  ended(frontend: string, count?: number, timeoutMs?: number): Promise<SessionLine[]>;
  /** Waits for the line of a frontend's client by its local port. */
  ofClient(frontend: string, port: number, timeoutMs?: number): Promise<SessionLine>;
}

const SESSION =
  /^(?<client>\S+):(?<clientPort>\d+) \[[^\]]+\] (?<frontend>\S+) (?<backend>[^/ ]+)\/(?<server>\S+) (?<twMs>-?\d+)\/(?<tcMs>-?\d+)\/(?<ttMs>-?\d+) (?<bytes>\d+) (?<code>\S\S) (?<actconn>\d+)\/(?<feconn>\d+)\/(?<beconn>\d+)\/(?<srvConn>\d+)\/(?<retries>\+?\d+) (?<srvQueue>\d+)\/(?<backendQueue>\d+)$/;
const TEXTS = new Set(["client", "frontend", "backend", "server", "code", "retries"]);

/** The line's fields; null when it is not a session's. */
export function parseSession(message: string): SessionLine | null {
  const groups = SESSION.exec(message)?.groups;
  if (groups === undefined) return null;
  const fields = Object.entries(groups).map(([name, text]) => [name, TEXTS.has(name) ? text : Number(text)]);
  return Object.fromEntries(fields) as SessionLine;
}

/** Listens until the test, or the file, ends. */
export async function receiveLogs(): Promise<LogReceiver> {
  const port = freePort();
  const socket = createSocket({ type: "udp4", recvBufferSize: 4 << 20 });
  const messages: string[] = [];
  const sessions: SessionLine[] = [];
  socket.on("message", (datagram) => {
    const message = datagram
      .toString()
      .replace(/^<\d+>.*?\[\d+\]: /, "")
      .trimEnd();
    messages.push(message);
    const session = parseSession(message);
    if (session !== null) sessions.push(session);
  });
  await new Promise<void>((resolve) => socket.bind(port, "127.0.0.1", resolve));
  atEnd(() => {
    socket.close();
  });
  const of = (frontend?: string): SessionLine[] =>
    sessions.filter((line) => frontend === undefined || line.frontend === frontend);
  return {
    address: `127.0.0.1:${port}`,
    messages: () => [...messages],
    sessions: of,
    message: (pattern, timeoutMs = 5000) =>
      until(`a log line like ${pattern}`, () => messages.find((message) => pattern.test(message)), { timeoutMs }),
    async ended(frontend, count = 1, timeoutMs = 5000) {
      await until(`${count} lines of ${frontend}`, () => of(frontend).length >= count, { timeoutMs });
      return of(frontend);
    },
    ofClient: (frontend, port, timeoutMs = 5000) =>
      // Connections to different frontends may share a port.
      until(`the line of ${frontend}'s client ${port}`, () => of(frontend).find((line) => line.clientPort === port), {
        timeoutMs,
      }),
  };
}
