import { constants } from "node:os";
import type { Socket } from "bun";
import type { CheckConfig } from "../config/schema.ts";
import type { CheckEvidence } from "../core/checkEvidence.ts";
import type { Clock } from "../core/clock.ts";
import { formatEndpoint } from "../core/endpoint.ts";
import { errnoName } from "../core/errno.ts";
import { startConnect } from "../net/connect.ts";
import { AF_INET, AF_INET6, libc, strerror } from "../net/libc.ts";
import { decodeSockaddr, familyOf } from "../net/sockaddr.ts";
import type { CheckResult } from "./result.ts";
import type { Script } from "./script.ts";
import { isFullBacklog, isOwnShortage } from "./shortage.ts";
import { type StepAction, type StepEvent, type StepOutcome, TcpCheck } from "./steps.ts";

const { EPIPE } = constants.errno;

/** Pause before a unix connect is tried again on a full backlog. */
const BACKLOG_RETRY_MS = 20;

/** One check to run. */
export interface ProbeOptions {
  readonly script: Script;
  /** Encoded address (net/sockaddr.ts), exactly as long as the kernel wants it. */
  readonly address: Uint8Array;
  /** Without `timeoutMs`: longest time for the whole check. With it: longest time for each connect. */
  readonly intervalMs: CheckConfig["intervalMs"];
  /** Longest time for all steps on a connection once it is made; null: the interval bounds the whole check. */
  readonly timeoutMs: CheckConfig["timeoutMs"];
  /** A lower limit for each connect; counts only with `timeoutMs`, as in HAProxy. */
  readonly connectTimeoutMs: number | null;
  readonly clock: Clock;
}

/** A connection of a probe; `socket` is null until Bun has it. */
interface Connection {
  socket: Socket | null;
  connected: boolean;
  unsent: Uint8Array | null;
}

/**
 * Runs one check over a real socket. The connection is completed even when nothing is to be said on it: a server that no
 * longer accepts fills its backlog with our connections, and then the kernel stops completing them. (HAProxy resets before
 * the final ACK, which the backlog never sees.) It is closed with a RST, so nothing piles up in TIME-WAIT.
 */
export class Probe {
  private readonly check: TcpCheck;
  private connection: Connection | null = null;
  /** How the last connection was lost; for those who still want to send on it. */
  private lostBy = "";
  /** Of the last failure, 0: none; and where the last connection was made to. */
  private errno = 0;
  private target: Uint8Array;
  private startedMs = 0;
  private cancelDeadline = () => {};
  private cancelQuiet = () => {};
  private cancelRetry = () => {};

  /** @param onResult called once, possibly before `start` returns; never after `cancel` */
  constructor(
    private readonly options: ProbeOptions,
    private readonly onResult: (result: CheckResult) => void,
  ) {
    this.check = new TcpCheck(options.script);
    this.target = options.address;
  }

  /** Call once. */
  start(): void {
    this.startedMs = this.options.clock.nowMs();
    if (this.options.timeoutMs === null) this.setDeadline(this.options.intervalMs);
    this.act(this.check.start());
  }

  /** Closes the socket and forgets the check. Idempotent. */
  cancel(): void {
    this.cancelDeadline();
    this.cancelQuiet();
    this.drop();
  }

  private tell(event: StepEvent): void {
    this.cancelQuiet();
    this.act(this.check.handle(event));
  }

  private act(action: StepAction): void {
    switch (action.kind) {
      case "connect":
        this.connect(action.port);
        break;
      case "send":
        this.send(action.bytes);
        break;
      case "wait":
        if (action.quietMs === null) break;
        this.cancelQuiet = this.tellAfter(action.quietMs, { kind: "quiet" });
        break;
      case "done":
        this.finish(action.outcome, false);
    }
  }

  private finish(outcome: StepOutcome, inconclusive: boolean): void {
    this.cancel();
    const durationMs = Math.round(this.options.clock.nowMs() - this.startedMs);
    this.onResult({ ...outcome, durationMs, inconclusive, evidence: this.evidence });
  }

  private get evidence(): CheckEvidence {
    const target = decodeSockaddr(this.target);
    return {
      target: target === null ? "?" : formatEndpoint(target),
      errno: this.errno === 0 ? null : { name: errnoName(this.errno), text: strerror(this.errno) },
      ...this.check.evidence,
    };
  }

  private shortage(info: string): void {
    this.finish({ status: "SOCKERR", code: null, info, passed: false }, true);
  }

  private setDeadline(ms: number): void {
    this.cancelDeadline();
    this.cancelDeadline = this.tellAfter(ms, { kind: "timeout" });
  }

  /** Looks at the sockets once more before it tells: when our own loop was late, the server need not have been. */
  private tellAfter(ms: number, event: StepEvent): () => void {
    const { clock } = this.options;
    let cancel = clock.after(ms, () => {
      cancel = clock.after(0, () => this.tell(event));
    });
    return () => cancel();
  }

  private connect(port: number | null): void {
    const { timeoutMs, intervalMs, connectTimeoutMs, address } = this.options;
    this.drop();
    if (timeoutMs !== null) this.setDeadline(Math.min(intervalMs, connectTimeoutMs ?? intervalMs));
    this.errno = 0;
    this.target = port === null ? address : withPort(address, port);
    this.dial(this.target);
  }

  private dial(address: Uint8Array): void {
    const family = familyOf(address);
    const fd = startConnect(address, address.length);
    if (fd >= 0) this.adopt(fd, family);
    else if (!isFullBacklog(-fd, family)) this.connectFailed(-fd, family);
    else this.cancelRetry = this.options.clock.after(BACKLOG_RETRY_MS, () => this.dial(address));
  }

  private connectFailed(errno: number, family: number): void {
    this.errno = errno;
    if (isOwnShortage(errno, family)) this.shortage(strerror(errno));
    else this.tell({ kind: "failed", reason: strerror(errno) });
  }

  // Not by net/stream.ts: when the event loop cannot take one more fd, that is a result here and not an exception.
  private adopt(fd: number, family: number): void {
    const connection: Connection = { socket: null, connected: false, unsent: null };
    this.connection = connection;
    const mine = () => this.connection === connection;
    const up = () => {
      if (connection.connected) return;
      connection.connected = true;
      this.connected();
    };
    const socket = {
      open: (s: Socket) => {
        connection.socket = s;
      },
      drain: () => {
        if (mine()) up();
        if (mine()) this.flush();
      },
      data: (_: Socket, bytes: Uint8Array) => {
        if (mine()) up();
        if (mine()) this.tell({ kind: "data", bytes });
      },
      end: () => {
        if (mine()) this.tell({ kind: "eof" });
      },
      close: (_: Socket, error?: Error) => {
        if (!mine()) return;
        this.connection = null;
        const errno = Math.abs((error as NodeJS.ErrnoException | undefined)?.errno ?? 0);
        this.errno = errno;
        this.lostBy = strerror(errno === 0 ? EPIPE : errno);
        if (errno === 0) this.tell({ kind: "eof" });
        else if (connection.connected) this.tell({ kind: "failed", reason: this.lostBy });
        else this.connectFailed(errno, family);
      },
      connectError: () => {},
    };
    Bun.connect({ fd, allowHalfOpen: true, socket } as unknown as Parameters<typeof Bun.connect>[0]).catch(() => {
      // The event loop did not take the fd, so it is still ours.
      libc.close(fd);
      if (mine()) this.shortage("The event loop could not take the socket");
    });
  }

  private connected(): void {
    if (this.options.timeoutMs !== null) this.setDeadline(this.options.timeoutMs);
    this.tell({ kind: "connected" });
  }

  private send(bytes: Uint8Array): void {
    if (this.connection === null) {
      this.tell({ kind: "failed", reason: this.lostBy });
      return;
    }
    this.connection.unsent = bytes;
    this.flush();
  }

  private flush(): void {
    const connection = this.connection;
    if (connection === null || connection.unsent === null || connection.socket === null) return;
    const taken = Math.max(0, connection.socket.write(connection.unsent));
    const rest = connection.unsent.subarray(taken);
    connection.unsent = rest.length > 0 ? rest : null;
    if (rest.length === 0) this.tell({ kind: "sent" });
  }

  private drop(): void {
    this.cancelRetry();
    const socket = this.connection?.socket;
    this.connection = null;
    socket?.terminate();
  }
}

/** A copy of the address with another port; a unix socket has none. */
function withPort(address: Uint8Array, port: number): Uint8Array {
  const family = familyOf(address);
  if (family !== AF_INET && family !== AF_INET6) return address;
  const changed = new Uint8Array(new ArrayBuffer(address.length));
  changed.set(address);
  changed[2] = port >> 8;
  changed[3] = port & 0xff;
  return changed;
}
