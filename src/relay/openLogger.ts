import { hostname } from "node:os";
import type { LogConfig } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import { formatEndpoint } from "../core/endpoint.ts";
import type { DatagramTarget } from "../log/datagramSink.ts";
import type { LinePort } from "../log/lineSink.ts";
import { Logger, type Target } from "../log/logger.ts";
import { framingFor, syslogHostname } from "../log/syslog.ts";
import { DatagramSocket } from "../net/datagram.ts";
import { encodeSockaddr } from "../net/sockaddr.ts";

/** Where lines for people go in this process or thread. */
export interface LinePorts {
  stdout: LinePort;
  stderr: LinePort;
}

/** A logger for the `[[log]]` tables, its datagram sockets opened. `pid` is what the lines show: the proxy process's. */
export function openLogger(logs: readonly LogConfig[], pid: number, clock: Clock, lines: LinePorts): Logger {
  return new Logger(
    logs.map((log) => openTarget(log, pid, lines)),
    clock,
    lines.stderr,
  );
}

function openTarget(log: LogConfig, pid: number, lines: LinePorts): Target {
  const { target, level, maxLengthBytes } = log;
  if (target.kind === "stdout" || target.kind === "stderr") {
    return { kind: "line", name: target.kind, level, maxLengthBytes, port: lines[target.kind] };
  }
  const endpoint = target.kind === "udp" ? ({ ...target, kind: "tcp" } as const) : target;
  const framing = framingFor(target.kind, log.format);
  return {
    kind: target.kind,
    name: target.kind === "udp" ? `udp ${formatEndpoint(endpoint)}` : target.path,
    level,
    frame: {
      framing,
      facility: log.facility,
      tag: log.tag,
      hostname: syslogHostname(log.hostname, hostname(), framing),
      pid,
      maxLengthBytes,
    },
    port: new DatagramSocket(encodeSockaddr(endpoint)),
  } satisfies DatagramTarget;
}
