import { CHECKSUM_OFFSET, type ChecksumDialect, checksumOf, type Ends } from "./checksum.ts";
import type { Rejection, RejectReason } from "./rejection.ts";

export { GROUP_IPV4, GROUP_IPV6 } from "./group.ts";

/** Authentication of version 2 (RFC 2338 §5.3.6): type 0 none, 1 a password in clear text; always 8 bytes of data. */
export interface Authentication {
  readonly type: number;
  readonly data: Uint8Array;
}

/** What adverts of both versions say. */
interface AdvertFields {
  /** 1..255. */
  readonly virtualRouterId: number;
  /** 0: resigns; 1..254; 255: owns the addresses. */
  readonly priority: number;
  /** The virtual addresses in the order of the sender's configuration, 4 or 16 bytes each, at most 255. */
  readonly addresses: readonly Uint8Array[];
  /** Version 2: whole seconds up to 255 s. Version 3: steps of 10 ms up to 40.95 s. */
  readonly intervalMs: number;
  /** Bytes behind the last field: none, or {@link HMAC_TRAILER_BYTES}. */
  readonly trailer: Uint8Array;
}

/** An advert of version 2, RFC 3768 §5 with the authentication of RFC 2338. IPv4 only. */
export interface AdvertV2 extends AdvertFields {
  readonly version: 2;
  readonly auth: Authentication;
}

/** An advert of version 3, RFC 9568 §5. */
export interface AdvertV3 extends AdvertFields {
  readonly version: 3;
  readonly auth: null;
  /** The 4 bits above the interval: 0 when sent, ignored when received (RFC 9568 §5.2.6). */
  readonly reserved: number;
}

/** One VRRP advertisement. */
export type Advert = AdvertV2 | AdvertV3;

/** What a message says, or why it is no advert. */
export type Decoded =
  | {
      readonly ok: true;
      readonly advert: Advert;
      /** As it came: the caller's to verify. */
      readonly checksum: number;
      /** The part of the message that the checksum covers, its field included. */
      readonly summed: Uint8Array;
    }
  /** Too short for its own count of addresses ("length"), or of a "version" that cannot be read. */
  | (Rejection & { readonly ok: false; readonly advert: null })
  /** All fields are there, but the "type" is wrong, or bytes follow that do not belong there ("length"). */
  | (Rejection & { readonly ok: false; readonly advert: Advert });

/** `Authentication.type` of a password. */
export const AUTH_PASS = 1;

/** Version 2 without authentication: keepalived sends and expects 8 zero bytes all the same. */
export const NO_AUTHENTICATION: Authentication = { type: 0, data: new Uint8Array(8) };

/** What keepalived 2.4 and later put behind a signed advert (auth_hmac). */
export const HMAC_TRAILER_BYTES = 28;

const HEADER_BYTES = 8;
const AUTH_BYTES = 8;
const TYPE_ADVERTISEMENT = 1;
const HMAC_TRAILER_TYPE = 1;
const NOTHING = new Uint8Array(0);

/** A password as it is on the wire: its first 8 bytes, with zeros up to 8 (keepalived cuts longer ones the same way). */
export function passwordBytes(password: string): Uint8Array {
  const bytes = new Uint8Array(AUTH_BYTES);
  bytes.set(new TextEncoder().encode(password).subarray(0, AUTH_BYTES));
  return bytes;
}

/**
 * The VRRP message of an advert from `source` to `destination`, its checksum in `dialect` (which only version 3 over
 * IPv4 has a choice of). The family is that of `source`. Throws RangeError for what does not fit its field.
 *
 * ```
 *      0           1      2          3       4             5            6          8
 * v2   2 << 4 | 1  VRID   priority   count   auth type     interval s   checksum   addresses 4n, auth data 8
 * v3   3 << 4 | 1  VRID   priority   count   reserved 4 bits, interval 12 bits cs   checksum   addresses 4n or 16n
 * ```
 */
export function encodeAdvert(advert: Advert, how: Ends & { readonly dialect: ChecksumDialect }): Uint8Array {
  const addressBytes = how.source.length;
  const { addresses, trailer } = advert;
  const auth = advert.auth?.data ?? NOTHING;
  if (advert.version === 2 && auth.length !== AUTH_BYTES) throw new RangeError("authentication data has 8 bytes");
  if (addresses.some(({ length }) => length !== addressBytes)) throw new RangeError("addresses of another family");
  const fieldsBytes = HEADER_BYTES + addresses.length * addressBytes + auth.length;
  // An explicit ArrayBuffer never moves, so the kernel may be given its address (see net/libc.ts).
  const message = new Uint8Array(new ArrayBuffer(fieldsBytes + trailer.length));
  message[0] = (advert.version << 4) | TYPE_ADVERTISEMENT;
  message[1] = inRange("virtual router id", advert.virtualRouterId, 0xff);
  message[2] = inRange("priority", advert.priority, 0xff);
  message[3] = inRange("count of addresses", addresses.length, 0xff);
  if (advert.version === 2) {
    message[4] = inRange("authentication type", advert.auth.type, 0xff);
    message[5] = inRange("interval in seconds", advert.intervalMs / 1000, 0xff);
  } else {
    const intervalCs = inRange("interval in centiseconds", advert.intervalMs / 10, 0xfff);
    message[4] = (inRange("reserved bits", advert.reserved, 0xf) << 4) | (intervalCs >> 8);
    message[5] = intervalCs & 0xff;
  }
  for (const [index, address] of addresses.entries()) message.set(address, HEADER_BYTES + index * addressBytes);
  message.set(auth, fieldsBytes - auth.length);
  message.set(trailer, fieldsBytes);
  const family = addressBytes === 16 ? 6 : 4;
  const dialect = advert.version === 2 ? "plain" : family === 6 ? "pseudo" : how.dialect;
  const checksum = checksumOf(summedPart(message, family, fieldsBytes), how, dialect);
  message[CHECKSUM_OFFSET] = checksum >> 8;
  message[CHECKSUM_OFFSET + 1] = checksum & 0xff;
  return message;
}

/** Reads a VRRP message of any bytes; never throws. All that it hands over are copies, but for `summed`. */
export function decodeAdvert(payload: Uint8Array, family: 4 | 6): Decoded {
  const [first = 0, virtualRouterId = 0, priority = 0, count = 0, fifth = 0, sixth = 0, high = 0, low = 0] = payload;
  const sizeBytes = payload.length;
  if (sizeBytes < HEADER_BYTES) return unreadable("length", `length ${sizeBytes}, less than a header`);
  const version = first >> 4;
  if (version !== 2 && version !== 3) return unreadable("version", `version ${version} is neither 2 nor 3`);
  if (version === 2 && family === 6) return unreadable("version", "version 2 does not exist over IPv6");

  const addressBytes = family === 6 ? 16 : 4;
  const addressesEnd = HEADER_BYTES + count * addressBytes;
  const fieldsEnd = version === 2 ? addressesEnd + AUTH_BYTES : addressesEnd;
  if (sizeBytes < fieldsEnd) {
    return unreadable("length", `length ${sizeBytes}, but a count of ${count} needs ${fieldsEnd}`);
  }
  const addresses = Array.from({ length: count }, (_, index) => {
    const start = HEADER_BYTES + index * addressBytes;
    return payload.slice(start, start + addressBytes);
  });
  const excessBytes = sizeBytes - fieldsEnd;
  const hasTrailer = excessBytes === HMAC_TRAILER_BYTES && payload[fieldsEnd] === HMAC_TRAILER_TYPE;
  const trailer = hasTrailer ? payload.slice(fieldsEnd) : NOTHING;
  const fields = { virtualRouterId, priority, addresses, trailer };
  const advert: Advert =
    version === 2
      ? {
          version,
          ...fields,
          intervalMs: sixth * 1000,
          auth: { type: fifth, data: payload.slice(addressesEnd, fieldsEnd) },
        }
      : { version, ...fields, intervalMs: (((fifth & 0xf) << 8) | sixth) * 10, auth: null, reserved: fifth >> 4 };

  // RFC 9568 §5.2.2: a message of another type is discarded.
  const type = first & 0xf;
  if (type !== TYPE_ADVERTISEMENT)
    return { ok: false, reason: "type", detail: `type ${type} is no advertisement`, advert };
  if (excessBytes > 0 && !hasTrailer) {
    const detail = `length ${sizeBytes}, ${excessBytes} more than its fields need`;
    return { ok: false, reason: "length", detail, advert };
  }
  return { ok: true, advert, checksum: (high << 8) | low, summed: summedPart(payload, family, fieldsEnd) };
}

/** keepalived's trailer is outside of the checksum over IPv4; over IPv6 the kernel sums up all that the IP header calls payload. */
function summedPart(message: Uint8Array, family: 4 | 6, fieldsBytes: number): Uint8Array {
  return family === 6 ? message : message.subarray(0, fieldsBytes);
}

function unreadable(reason: RejectReason, detail: string): Decoded {
  return { ok: false, reason, detail, advert: null };
}

function inRange(field: string, value: number, max: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= max) return value;
  throw new RangeError(`${field} is ${value}, not a whole number of 0..${max}`);
}
