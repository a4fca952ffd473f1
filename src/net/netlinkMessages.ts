/**
 * Netlink framing, in the byte order of the machine (little endian on both of ours). Pure; see netlink(7), rtnetlink(7).
 *
 *     message:    length u32 | type u16 | flags u16 | sequence u32 | port u32 | payload, padded to 4
 *     payload:    a fixed header that the type implies, then attributes
 *     attribute:  length u16 | type u16 (top two bits are flags) | value, padded to 4
 */

const MESSAGE_HEADER_BYTES = 16;
const ATTRIBUTE_HEADER_BYTES = 4;
const ATTRIBUTE_TYPE_MASK = 0x3fff;

export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
export const RTM_GETADDR = 22;

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_DUMP = 0x300;
/** Of a reply: the table changed during the dump, which may therefore be incomplete. */
export const NLM_F_DUMP_INTR = 0x10;

/** One message; `payload` is a view of what was decoded. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** A request without its sequence number, which the socket gives it. */
export interface NetlinkRequest {
  readonly type: number;
  /** Besides NLM_F_REQUEST, and NLM_F_ACK or NLM_F_DUMP. */
  readonly flags: number;
  /** The fixed header that the type implies. */
  readonly header: Uint8Array;
  readonly attributes: readonly Attribute[];
}

/** Type and value; a list of attributes as value is a nested attribute. */
export type Attribute = readonly [type: number, value: Uint8Array | readonly Attribute[]];

/** The messages of one datagram, up to the first that is malformed. Never throws, whatever the bytes. */
export function decodeMessages(bytes: Uint8Array): NetlinkMessage[] {
  const view = viewOf(bytes);
  const messages: NetlinkMessage[] = [];
  for (let at = 0; at + MESSAGE_HEADER_BYTES <= bytes.length; ) {
    const length = view.getUint32(at, true);
    if (length < MESSAGE_HEADER_BYTES || at + length > bytes.length) break;
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      payload: bytes.subarray(at + MESSAGE_HEADER_BYTES, at + length),
    });
    at += padded(length);
  }
  return messages;
}

/** Attributes by type, up to the first that is malformed; of a repeated one the last. Values are views. Never throws. */
export function decodeAttributes(bytes: Uint8Array): Map<number, Uint8Array> {
  const view = viewOf(bytes);
  const attributes = new Map<number, Uint8Array>();
  for (let at = 0; at + ATTRIBUTE_HEADER_BYTES <= bytes.length; ) {
    const length = view.getUint16(at, true);
    if (length < ATTRIBUTE_HEADER_BYTES || at + length > bytes.length) break;
    const type = view.getUint16(at + 2, true) & ATTRIBUTE_TYPE_MASK;
    attributes.set(type, bytes.subarray(at + ATTRIBUTE_HEADER_BYTES, at + length));
    at += padded(length);
  }
  return attributes;
}

/** What an NLMSG_ERROR or NLMSG_DONE says: 0, or `-errno`. An ACK is an error of 0. */
export function decodeOutcome(message: NetlinkMessage): number {
  return message.payload.length < 4 ? 0 : viewOf(message.payload).getInt32(0, true);
}

/** The request as the kernel reads it, in memory that does not move. */
export function encodeRequest(request: NetlinkRequest, flags: number, sequence: number): Uint8Array {
  const attributesAt = MESSAGE_HEADER_BYTES + padded(request.header.length);
  const bytes = new Uint8Array(new ArrayBuffer(attributesAt + attributesSize(request.attributes)));
  const view = viewOf(bytes);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, request.type, true);
  view.setUint16(6, NLM_F_REQUEST | request.flags | flags, true);
  view.setUint32(8, sequence, true);
  bytes.set(request.header, MESSAGE_HEADER_BYTES);
  writeAttributes(view, bytes, attributesAt, request.attributes);
  return bytes;
}

/** A number as an attribute's value. */
export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value, true);
  return bytes;
}

/** The number in an attribute's value; null when it is absent or too short. */
export function readU32(value: Uint8Array | undefined): number | null {
  return value === undefined || value.length < 4 ? null : viewOf(value).getUint32(0, true);
}

/** A C string as an attribute's value. */
export function cString(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}

/** The C string in an attribute's value; null when the attribute is absent. */
export function readCString(value: Uint8Array | undefined): string | null {
  if (value === undefined) return null;
  const end = value.indexOf(0);
  return new TextDecoder().decode(end < 0 ? value : value.subarray(0, end));
}

/** For reading the numbers of a fixed header. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function padded(length: number): number {
  return (length + 3) & ~3;
}

function attributesSize(attributes: readonly Attribute[]): number {
  return attributes.reduce((sum, [, value]) => sum + padded(ATTRIBUTE_HEADER_BYTES + valueSize(value)), 0);
}

function valueSize(value: Attribute[1]): number {
  return value instanceof Uint8Array ? value.length : attributesSize(value);
}

function writeAttributes(view: DataView, bytes: Uint8Array, start: number, attributes: readonly Attribute[]): void {
  let at = start;
  for (const [type, value] of attributes) {
    const length = ATTRIBUTE_HEADER_BYTES + valueSize(value);
    view.setUint16(at, length, true);
    view.setUint16(at + 2, type, true);
    if (value instanceof Uint8Array) bytes.set(value, at + ATTRIBUTE_HEADER_BYTES);
    else writeAttributes(view, bytes, at + ATTRIBUTE_HEADER_BYTES, value);
    at += padded(length);
  }
}
