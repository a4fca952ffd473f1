import type { Level } from "../core/syslogCodes.ts";
import { bsdTime, isoSecond, millis, utcOffset } from "./localTime.ts";
import { priority } from "./severity.ts";
import { printable } from "./text.ts";

/**
 * Layout of a datagram, as HAProxy's `format` names them; each ends with a newline, as HAProxy's do.
 * - `rfc3164`: `<PRI>Mon dd HH:MM:SS host tag[pid]: text`
 * - `rfc5424`: `<PRI>1 2026-11-22T14:13:27.073+01:00 host tag pid - - text`
 * - `local`: rfc3164 without the host, what syslog(3) writes to /dev/log: a local daemon takes the next word for the tag
 */
export type Framing = "local" | "rfc3164" | "rfc5424";

/**
 * What a daemon behind that transport understands. On a unix socket it is the local form whatever was asked for: rsyslog
 * (imuxsock, 8.2302) takes the host of rfc3164 and the version of rfc5424 for the tag.
 */
export function framingFor(transport: "udp" | "unix", format: "rfc3164" | "rfc5424"): Framing {
  return transport === "unix" ? "local" : format;
}

/** How one target wants its datagrams. */
export interface FrameOptions {
  framing: Framing;
  /** 0..23. */
  facility: number;
  /** Program name; rsyslog's `%programname%`. lnav knows HAProxy's lines by a tag of word characters only. */
  tag: string;
  /** Not used by `local`; see {@link syslogHostname}. */
  hostname: string;
  pid: number;
  /** Longest datagram, header included and the closing newline not, as HAProxy counts its `len`; 80..65535. */
  maxLengthBytes: number;
}

/**
 * The host field: the configured name, else the machine's. HAProxy by default sends none, and rsyslog then puts the name
 * that the sender's address resolves to: `localhost` on the same machine, the relay's behind a relay. RFC 3164 §4.1.2 wants the name without its domain, RFC 5424
 * §6.2.4 with it.
 */
export function syslogHostname(configured: string | null, machineName: string, framing: Framing): string {
  if (configured !== null) return configured;
  const name = framing === "rfc5424" ? machineName : (machineName.split(".")[0] ?? "");
  return name === "" ? "localhost" : name;
}

/** Turns messages into datagrams for one target. The part of the header that changes once a second is kept. */
export class SyslogFramer {
  private readonly priorities: readonly string[];
  private readonly beforeTime: string;
  private readonly afterTime: string;
  // An explicit ArrayBuffer: Bun moves the storage of small typed arrays, under a C function's nose too.
  private readonly bytes: Uint8Array;
  private readonly body: Uint8Array;
  private readonly encoder = new TextEncoder();
  private second = Number.NaN;
  private time = "";
  private afterMillis = "";

  constructor(private readonly options: FrameOptions) {
    const { framing, facility, pid, maxLengthBytes } = options;
    this.priorities = Array.from({ length: 8 }, (_, level) => `<${priority(facility, level)}>`);
    this.beforeTime = framing === "rfc5424" ? "1 " : "";
    const tag = headerField(options.tag, framing, 48);
    const hostname = headerField(options.hostname, framing, 255);
    if (framing === "rfc5424") this.afterTime = ` ${hostname} ${tag} ${pid} - - `;
    else this.afterTime = `${framing === "local" ? "" : ` ${hostname}`} ${tag}[${pid}]: `;
    this.bytes = new Uint8Array(new ArrayBuffer(maxLengthBytes + 1));
    this.body = this.bytes.subarray(0, maxLengthBytes);
  }

  /**
   * One datagram. The bytes are valid until the next call. Text that does not fit is cut between characters; control
   * characters are escaped.
   */
  frame(level: Level, message: string, wallMs: number): Uint8Array {
    const second = Math.floor(wallMs / 1000);
    if (second !== this.second) this.startSecond(second);
    // Cut first: escaping must not walk through megabytes that are thrown away.
    const text = printable(message.length > this.body.length ? message.slice(0, this.body.length) : message);
    const time = this.options.framing === "rfc5424" ? this.time + millis(wallMs) + this.afterMillis : this.time;
    // encodeInto stops before a character that no longer fits.
    const { written } = this.encoder.encodeInto(`${this.priorities[level]}${time}${text}`, this.body);
    this.bytes[written] = 0x0a;
    return this.bytes.subarray(0, written + 1);
  }

  private startSecond(second: number): void {
    const wallMs = second * 1000;
    this.second = second;
    if (this.options.framing === "rfc5424") {
      this.time = `${this.beforeTime}${isoSecond(wallMs)}.`;
      this.afterMillis = utcOffset(wallMs) + this.afterTime;
    } else {
      this.time = bsdTime(wallMs) + this.afterTime;
    }
  }
}

/** A header field ends at a blank (RFC 5424 §6), a traditional tag also at a colon or bracket: none may stand inside. */
function headerField(text: string, framing: Framing, maxChars: number): string {
  const forbidden = framing === "rfc5424" ? /[^\x21-\x7e]/g : /[^\x21-\x7e]|[:[\]]/g;
  return text.slice(0, maxChars).replace(forbidden, "_") || "-";
}
