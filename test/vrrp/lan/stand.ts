import type { VrrpInstanceConfig } from "../../../src/config/schema.ts";
import { LEVELS } from "../../../src/core/syslogCodes.ts";
import { parseIp } from "../../../src/net/sockaddr.ts";
import type { ChecksumDialect } from "../../../src/vrrp/checksum.ts";
import { GROUP_IPV4 } from "../../../src/vrrp/group.ts";
import {
  type Advert,
  AUTH_PASS,
  decodeAdvert,
  encodeAdvert,
  NO_AUTHENTICATION,
  passwordBytes,
} from "../../../src/vrrp/packet.ts";
import type { Datagram } from "../../../src/vrrp/ports.ts";
import { VirtualRouter } from "../../../src/vrrp/router.ts";
import type { RouterObserver, TransitionReport } from "../../../src/vrrp/routerPorts.ts";
import { FakeClock } from "../../support/fakeClock.ts";
import { instanceConfig } from "./config.ts";

const LEVEL_NAMES = Object.fromEntries(Object.entries(LEVELS).map(([name, code]) => [code, name]));

/** How an advert of a peer differs from what the router under test would send. */
export interface PeerAdvert {
  readonly priority?: number;
  readonly addresses?: readonly string[];
  readonly intervalMs?: number;
  readonly password?: string;
  readonly dialect?: ChecksumDialect;
  readonly to?: string;
}

/** One router between a fake clock, a wire that tests write on, and a list of all it does. */
export class Stand {
  readonly clock = new FakeClock();
  /** What it did since {@link take}, in order: "advert 100", "hold", "release", "announce", "reassert", "silence". */
  done: string[] = [];
  readonly sent: { to: string; message: Uint8Array; advert: Advert }[] = [];
  readonly transitions: TransitionReport[] = [];
  /** "warning TEXT". */
  readonly logs: string[] = [];
  readonly priorities: number[] = [];
  rivals = 0;
  changes = 0;
  source: Uint8Array | null = Uint8Array.of(192, 0, 2, 5);
  destinations: Uint8Array[] = [GROUP_IPV4];
  sendResult = 0;
  readonly router: VirtualRouter;
  onTransition: (report: TransitionReport) => void = () => {};
  private readonly queue: Datagram[] = [];

  constructor(readonly config: VrrpInstanceConfig = instanceConfig()) {
    const stand = this;
    const note = (what: string) => () => void this.done.push(what);
    const observer: RouterObserver = {
      onTransition: (report) => {
        this.transitions.push(report);
        this.onTransition(report);
      },
      onLog: (level, text) => void this.logs.push(`${LEVEL_NAMES[level]} ${text}`),
      onPriorityChange: (effective) => void this.priorities.push(effective),
      onRival: () => {
        this.rivals += 1;
      },
      onChange: () => {
        this.changes += 1;
      },
    };
    this.router = new VirtualRouter(config, {
      clock: this.clock,
      transport: {
        get source() {
          return stand.source;
        },
        get destinations() {
          return stand.destinations;
        },
        send: (destination, message) => this.send(destination, message),
        receive: (deliver) => {
          for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) deliver(next);
        },
      },
      addresses: { hold: note("hold"), release: note("release") },
      announcer: {
        becameMaster: note("announce"),
        resume: note("resume"),
        reassert: note("reassert"),
        stop: note("silence"),
      },
      observer,
      present: () => this.router.state === "MASTER",
      rivals: () => [],
    });
  }

  /** Started, and MASTER because nobody else is there; forgets how it came about. */
  static master(config: VrrpInstanceConfig = instanceConfig()): Stand {
    const stand = new Stand(config);
    stand.router.start();
    stand.clock.pass(4 * 255_000);
    stand.take();
    return stand;
  }

  /** What was done since the last time, in a line. */
  take(): string {
    return this.done.splice(0).join(" ");
  }

  /** A peer's advert waits in the socket. */
  queueAdvert(from: string, changes: PeerAdvert = {}): void {
    const { version, virtualRouterId, advertIntMs, virtualIpAddresses } = this.config;
    const password = changes.password ?? this.config.authentication?.password;
    const fields = {
      virtualRouterId,
      priority: changes.priority ?? 100,
      addresses: (changes.addresses ?? virtualIpAddresses.map(({ address }) => address)).map(parseIp),
      intervalMs: changes.intervalMs ?? advertIntMs,
      trailer: new Uint8Array(0),
    };
    const auth = password === undefined ? NO_AUTHENTICATION : { type: AUTH_PASS, data: passwordBytes(password) };
    const advert: Advert =
      version === 2 ? { version, ...fields, auth } : { version, ...fields, auth: null, reserved: 0 };
    const [source, destination] = [parseIp(from), changes.to === undefined ? GROUP_IPV4 : parseIp(changes.to)];
    const payload = encodeAdvert(advert, { source, destination, dialect: changes.dialect ?? "pseudo" });
    this.queue.push({ source, destination, ttl: 255, payload });
  }

  /** A peer's advert arrives. */
  hear(from: string, changes: PeerAdvert = {}): void {
    this.queueAdvert(from, changes);
    this.router.received();
  }

  private send(destination: Uint8Array, message: Uint8Array): number {
    if (this.sendResult < 0) return this.sendResult;
    const { advert } = decodeAdvert(message, 4) as { advert: Advert };
    this.sent.push({ to: destination.join("."), message, advert });
    this.done.push(`advert ${advert.priority}`);
    return 0;
  }
}
