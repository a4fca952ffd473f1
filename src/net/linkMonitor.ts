import type { Clock } from "../core/clock.ts";
import { type Address, dumpAddressesRequest } from "./addressMessages.ts";
import { errno, libc, SOL_SOCKET, SystemError, setSocketOption } from "./libc.ts";
import { dumpLinksRequest, type Link } from "./linkMessages.ts";
import { type Change, LinkTable } from "./linkTable.ts";
import { dump, openSubscription } from "./netlink.ts";
import { decodeMessages } from "./netlinkMessages.ts";

const RTMGRP_LINK = 0x1;
const RTMGRP_IPV4_IFADDR = 0x10;
const RTMGRP_IPV6_IFADDR = 0x100;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
const MSG_DONTWAIT = 0x40;
const EINTR = 4;
const ENOBUFS = 105;

/** Room for some thousand events that come while the loop is busy; the kernel drops what does not fit. */
const RECEIVE_BUFFER_BYTES = 1 << 20;
const RETRY_DELAY_MS = 1000;

const datagram = new Uint8Array(new ArrayBuffer(64 << 10));

type Observer = (change: Change) => void;

/**
 * The interfaces and addresses of this network namespace, kept up to date by the kernel's own notices. What was lost because
 * the loop was busy for long is found again by looking anew. {@link LinkTable} answers the questions.
 */
export class LinkMonitor {
  private readonly table = new LinkTable();
  private readonly observers = new Set<Observer>();
  private readonly pending: Change[] = [];
  private notifying = false;
  private subscription: Subscription | null = null;
  private cancelRetry: (() => void) | null = null;
  private closed = false;

  private constructor(
    private readonly clock: Clock,
    private readonly receiveBufferBytes: number,
  ) {}

  /** Subscribes, and looks around before it returns. Throws {@link SystemError}. */
  static open(clock: Clock, receiveBufferBytes = RECEIVE_BUFFER_BYTES): LinkMonitor {
    const monitor = new LinkMonitor(clock, receiveBufferBytes);
    monitor.subscribe();
    try {
      monitor.look();
    } catch (failure) {
      monitor.close();
      throw failure;
    }
    return monitor;
  }

  /** See {@link LinkTable}; all answers are as of the last notice or {@link refresh}. */
  links(): Link[] {
    return this.table.links();
  }

  link(ifindex: number): Link | null {
    return this.table.link(ifindex);
  }

  linkByName(name: string): Link | null {
    return this.table.linkByName(name);
  }

  addressesOf(ifindex: number): readonly Address[] {
    return this.table.addressesOf(ifindex);
  }

  hasAddress(ifindex: number, address: Uint8Array): boolean {
    return this.table.hasAddress(ifindex, address);
  }

  sourceFor(ifindex: number, family: 4 | 6, except: readonly Uint8Array[]): Uint8Array | null {
    return this.table.sourceFor(ifindex, family, except);
  }

  /**
   * Calls `observer` with each change, oldest first, once all that is known has been taken in: of an address that was removed
   * and put back meanwhile, the table already says that it is there. The returned function ends that.
   */
  onChange(observer: Observer): () => void {
    // A function of its own, so that one observer registered twice is two.
    const own: Observer = (change) => observer(change);
    this.observers.add(own);
    return () => void this.observers.delete(own);
  }

  /** Asks the kernel now, instead of waiting for its notices; observers hear what that changed. Throws {@link SystemError}. */
  refresh(): void {
    // First what is queued: applied after the dump, it would undo for a moment what the dump already knows.
    this.subscription?.drain();
    this.look();
  }

  /** Ends the subscription; no observer is called any more. */
  close(): void {
    this.closed = true;
    this.observers.clear();
    this.cancelRetry?.();
    this.subscription?.close();
    this.subscription = null;
  }

  private look(): void {
    const messages = [...dump(dumpLinksRequest()), ...dump(dumpAddressesRequest(0))];
    this.notify(this.table.replace(messages));
  }

  private subscribe(): void {
    this.subscription = new Subscription(this.receiveBufferBytes, {
      notices: (datagrams) => this.notify(this.table.apply(datagrams.flatMap(decodeMessages))),
      overflowed: () => this.recover(),
      gone: () => {
        this.subscription = null;
        this.recover();
      },
    });
  }

  /** Notices were lost, perhaps the socket with them: subscribes if need be and looks anew, until that succeeds. */
  private recover(): void {
    this.cancelRetry?.();
    if (this.closed) return;
    try {
      if (this.subscription === null) this.subscribe();
      this.look();
    } catch (failure) {
      if (!(failure instanceof SystemError)) throw failure;
      this.cancelRetry = this.clock.after(RETRY_DELAY_MS, () => this.recover());
    }
  }

  /** An observer may look again, or stop observing; what that brings waits for its turn. */
  private notify(changes: readonly Change[]): void {
    this.pending.push(...changes);
    if (this.notifying) return;
    this.notifying = true;
    try {
      for (let change = this.pending.shift(); change !== undefined; change = this.pending.shift()) {
        for (const observer of this.observers) observer(change);
      }
    } finally {
      this.notifying = false;
    }
  }
}

interface SubscriptionHandler {
  /** Datagrams of notices, oldest first. */
  notices(datagrams: readonly Uint8Array[]): void;
  /** The kernel dropped notices. */
  overflowed(): void;
  /** The socket is closed, and what it held is lost. */
  gone(): void;
}

/** One multicast socket in the event loop. */
class Subscription {
  private fd: number;
  private socket: { terminate(): void } | null = null;

  /** Throws {@link SystemError}. */
  constructor(
    receiveBufferBytes: number,
    private readonly handler: SubscriptionHandler,
  ) {
    this.fd = openSubscription(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR);
    // Beyond net.core.rmem_max where the process may.
    const size = Int32Array.of(receiveBufferBytes);
    if (libc.setsockopt(this.fd, SOL_SOCKET, SO_RCVBUFFORCE, size, 4) < 0) {
      setSocketOption(this.fd, SOL_SOCKET, SO_RCVBUF, receiveBufferBytes);
    }
    Bun.connect({
      fd: this.fd,
      socket: {
        open: (socket: { terminate(): void }) => {
          this.socket = socket;
        },
        data: (_socket: unknown, bytes: Uint8Array) => this.take([bytes]),
        // The loop closes a socket that has an error to report, such as ENOBUFS: the kernel dropped notices.
        close: () => this.ended(),
        error() {},
        connectError: () => this.ended(),
      },
    } as unknown as Parameters<typeof Bun.connect>[0]);
  }

  /** Takes in what is queued, without waiting for the loop. */
  drain(): void {
    this.take([]);
  }

  close(): void {
    this.fd = -1;
    this.socket?.terminate();
  }

  /** What the loop read, and all that is queued behind it: a burst is taken in as a whole. */
  private take(datagrams: Uint8Array[]): void {
    let overflowed = false;
    while (this.fd >= 0) {
      const length = Number(libc.recv(this.fd, datagram, datagram.length, MSG_DONTWAIT));
      if (length > 0) {
        datagrams.push(datagram.slice(0, length));
        continue;
      }
      const code = errno();
      if (code === ENOBUFS) overflowed = true;
      else if (code !== EINTR) break;
    }
    this.handler.notices(datagrams);
    if (overflowed) this.handler.overflowed();
  }

  private ended(): void {
    if (this.fd < 0) return;
    this.fd = -1;
    this.handler.gone();
  }
}
