import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../../support/ports.ts";
import { binary, type Running, start } from "../../../support/process.ts";
import { tmpDir } from "../../../support/tmp.ts";
import { until } from "../../../support/until.ts";
import { type LogReceiver, receiveLogs, type SessionLine } from "../../relay/support/logReceiver.ts";

/** One of the two programs with a configuration of the corpus. */
export interface Side {
  readonly running: Running;
  readonly logs: LogReceiver;
  /** Ports of its own: FE1, FE2. */
  readonly ports: Readonly<Record<string, string>>;
  /** Rows of `show stat` that are servers: "app/s1" to its columns. */
  servers(): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>>;
}

/** Starts real HAProxy, or ours with the same file. */
export async function startSide(
  kind: "haproxy" | "haproxy-lite",
  text: string,
  shared: Readonly<Record<string, string>>,
): Promise<Side> {
  const dir = tmpDir();
  const [file, socket] = [join(dir, "haproxy.cfg"), join(dir, "admin.sock")];
  writeFileSync(file, text);
  const logs = await receiveLogs();
  const ports = { FE1: String(freePort()), FE2: String(freePort()) };
  const env = { ...shared, ...ports, SOCK: socket, LOG: logs.address.replace(/^.*:/, "") };
  // `daemon` of a file would take it away from the test.
  const running =
    kind === "haproxy"
      ? start(["haproxy", "-db", "-f", file], { env })
      : start([binary(), "serve", "-c", file], { env });
  if (kind === "haproxy-lite") await running.waitFor(/\bready\b/);
  await until(`the socket of ${kind}: ${running.output()}`, () => existsSync(socket), { timeoutMs: 10_000 });
  return {
    running,
    logs,
    ports,
    async servers() {
      const [head = "", ...rows] = (await ask(socket, "show stat")).replace(/^# /, "").trim().split("\n");
      const columns = head.split(",");
      const read = rows.map((row) =>
        Object.fromEntries(row.split(",").map((value, index) => [columns[index] ?? "", value])),
      );
      const servers = read.filter(({ svname }) => svname !== "FRONTEND" && svname !== "BACKEND");
      return new Map(servers.map((row) => [`${row.pxname}/${row.svname}`, row]));
    },
  };
}

/** One command of the runtime API, and its answer. */
async function ask(socket: string, command: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let answer = "";
  await Bun.connect({
    unix: socket,
    socket: {
      open: (connection) => void connection.write(`${command}\n`),
      data: (_, bytes) => {
        answer += bytes.toString();
      },
      close: () => resolve(answer),
      error: (_, error) => reject(error),
    },
  });
  return promise;
}

/** What both must agree on of a connection's log line. */
export function essence({ backend, server, code, bytes, retries }: SessionLine): string {
  return `${backend}/${server} ${code} ${bytes} bytes, ${retries} retries`;
}
