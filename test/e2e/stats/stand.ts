import { Agent, type IncomingHttpHeaders, request } from "node:http";

/** What a server has answered. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  /** Instead of a port of 127.0.0.1. */
  readonly host?: string;
  readonly socketPath?: string;
  readonly timeoutMs?: number;
}

/** Asks over a connection of its own and follows nothing. Rejects with the error's code, or "silent" when nobody answers in time. */
export async function ask(port: number, path: string, options: Ask = {}): Promise<Answer> {
  const { method = "GET", headers = {}, body = "", host = "127.0.0.1", socketPath, timeoutMs = 5000 } = options;
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const agent = new Agent({ keepAlive: false });
  const length = body === "" ? {} : { "content-length": String(Buffer.byteLength(body)) };
  const place = socketPath === undefined ? { host, port } : { socketPath };
  const sent = request({ ...place, agent, path, method, headers: { ...length, ...headers } }, (answer) => {
    const chunks: Buffer[] = [];
    answer.on("data", (chunk: Buffer) => chunks.push(chunk));
    answer.on("error", reject);
    answer.on("end", () =>
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks).toString() }),
    );
  });
  const timer = setTimeout(() => {
    reject(new Error("silent"));
    sent.destroy();
  }, timeoutMs);
  sent.on("error", (error: NodeJS.ErrnoException) => reject(new Error(error.code ?? error.message)));
  sent.end(body);
  return await promise.finally(() => clearTimeout(timer));
}

export function basic(user: string, password: string): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
}
