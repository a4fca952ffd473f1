import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import { Level } from "../../src/core/syslogCodes.ts";
import type { LinePort } from "../../src/log/lineSink.ts";
import { Logger } from "../../src/log/logger.ts";
import { framingFor } from "../../src/log/syslog.ts";
import { DatagramSocket } from "../../src/net/datagram.ts";
import { encodeSockaddr } from "../../src/net/sockaddr.ts";
import { atEnd } from "../support/cleanup.ts";
import { type Running, start } from "../support/process.ts";
import { tmpDir } from "../support/tmp.ts";
import { until } from "../support/until.ts";

/** A real rsyslogd with a configuration of the test's, in a directory of its own. */
export class Rsyslog {
  readonly dir = tmpDir();
  private running: Running | null = null;

  constructor(private readonly program: string) {}

  path(name: string): string {
    return join(this.dir, name);
  }

  /** Lines of a file it writes; none while the file does not exist. */
  lines(name: string): string[] {
    try {
      return readFileSync(this.path(name), "utf8").split("\n").slice(0, -1);
    } catch {
      return [];
    }
  }

  /** Waits until that file has so many lines. */
  async linesWhen(name: string, count: number): Promise<string[]> {
    await until(`${count} lines in ${name}`, () => this.lines(name).length >= count);
    return this.lines(name);
  }

  /** Starts it and waits until it listens. */
  async start(config: string, listens: { udpPort: number } | { unixPath: string }): Promise<Running> {
    writeFileSync(this.path("rsyslog.conf"), config);
    const cmd = [this.program, "-n", "-f", this.path("rsyslog.conf"), "-i", this.path("pid")];
    this.running = start(cmd);
    await until("rsyslogd to listen", () => isBound(listens));
    return this.running;
  }

  async stop(): Promise<void> {
    await this.running?.stop();
  }
}

/** By the kernel's tables: a datagram sent too early is lost. */
function isBound(listens: { udpPort: number } | { unixPath: string }): boolean {
  if ("unixPath" in listens) return readFileSync("/proc/net/unix", "utf8").includes(` ${listens.unixPath}\n`);
  const port = listens.udpPort.toString(16).toUpperCase().padStart(4, "0");
  // The local address: the remote one of our own connected socket has that port too.
  return new RegExp(`^ *\\d+: [0-9A-F]{8}:${port} `, "m").test(readFileSync("/proc/net/udp", "utf8"));
}

export interface Sending {
  format?: "rfc3164" | "rfc5424";
  level?: Level;
}

export const TEST_HOST = "lb01";
export const TEST_PID = 4711;

const SILENT: LinePort = { write() {} };

/** Our logger with one real socket to a syslog daemon: facility local0, tag haproxy. */
export function logTo(
  where: { udpPort: number } | { unixPath: string },
  { format = "rfc3164", level = Level.info }: Sending = {},
  stderr: LinePort = SILENT,
): Logger {
  const unix = "unixPath" in where;
  const kind = unix ? "unix" : "udp";
  const address = encodeSockaddr(
    unix ? { kind: "unix", path: where.unixPath } : { kind: "tcp", host: "127.0.0.1", port: where.udpPort },
  );
  const frame = {
    framing: framingFor(kind, format),
    facility: 16,
    tag: "haproxy",
    hostname: TEST_HOST,
    pid: TEST_PID,
    maxLengthBytes: 1024,
  };
  const target = { kind, name: "syslog", level, frame, port: new DatagramSocket(address) } as const;
  const logger = new Logger([target], systemClock, stderr);
  atEnd(() => logger.close());
  return logger;
}
