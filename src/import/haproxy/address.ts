import { ipVersion, isHostName } from "../../core/endpoint.ts";
import { expandVariables, type Variables } from "./words.ts";

/** An address of HAProxy's. Ports: a range, or one; `offset` is relative to the port that the client came to. */
export type Address =
  | { readonly kind: "tcp"; readonly host: string; readonly family: 4 | 6 | 0; readonly ports: Ports | null }
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "fd"; readonly fd: number }
  | { readonly kind: "refused"; readonly why: string };

/** First and last port; `offset`: what to add to the client's port instead. */
export type Ports =
  | { readonly kind: "range"; readonly low: number; readonly high: number }
  | { readonly kind: "offset"; readonly offset: number };

const REFUSED_PREFIXES: Readonly<Record<string, string>> = {
  "udp@": "only TCP is relayed",
  "udp4@": "only TCP is relayed",
  "udp6@": "only TCP is relayed",
  "quic4@": "QUIC is not spoken here",
  "quic6@": "QUIC is not spoken here",
  "sockpair@": "sockets of HAProxy's own master are not shared",
  "rhttp@": "reverse HTTP is not spoken here",
  "rev@": "reverse HTTP is not spoken here",
  "ring@": "rings of HAProxy are not there",
  "mptcp4@": "Multipath TCP is not spoken here",
  "mptcp6@": "Multipath TCP is not spoken here",
  "mptcp@": "Multipath TCP is not spoken here",
};

/** Reads one address (lists are split at commas before). Never throws. */
export function readAddress(raw: string, variables: Variables): Address {
  const text = expandVariables(raw, variables);
  if (text.includes("$")) return refused(`its variable is not set here`);
  for (const [prefix, why] of Object.entries(REFUSED_PREFIXES)) if (text.startsWith(prefix)) return refused(why);
  if (text.startsWith("/")) return { kind: "unix", path: text };
  if (text.startsWith("fd@")) {
    const fd = /^[0-9]{1,6}$/.exec(text.slice(3));
    return fd === null ? refused("the number of its file descriptor is not known") : { kind: "fd", fd: Number(fd[0]) };
  }
  const [prefix, rest] = splitPrefix(text);
  if (prefix === "unix@" || prefix === "uxst@" || prefix === "stream+unix@") return { kind: "unix", path: rest };
  if (prefix === "abns@" || prefix === "abnsz@") return { kind: "unix", path: `@${rest}` };
  const family = /6@$/.test(prefix) ? 6 : /4@$/.test(prefix) ? 4 : 0;
  return readTcp(rest, family);
}

function splitPrefix(text: string): [prefix: string, rest: string] {
  const match = /^(unix@|uxst@|stream\+unix@|abnsz?@|ipv[46]@|tcp[46]?@|stream\+ipv[46]@)/.exec(text);
  return match === null ? ["", text] : [match[0], text.slice(match[0].length)];
}

function readTcp(text: string, family: 4 | 6 | 0): Address {
  const split = splitPort(text);
  // 2001:db8::5 has no port, although its last colon looks like one's.
  const whole = ipVersion(text) === 6 && ipVersion(split.host) === 0;
  const { host, portText } = whole ? { host: text, portText: null } : split;
  const ports = portText === null ? null : readPorts(portText);
  if (typeof ports === "string") return refused(ports);
  const version = ipVersion(host);
  if (host === "" || host === "*") return { kind: "tcp", host: "", family, ports };
  if (family !== 0 && version !== 0 && version !== family) return refused(`${host} is no IPv${family} address`);
  if (version === 0 && !isHostName(host)) return refused(`${host} is neither an IP address nor a host name`);
  return { kind: "tcp", host, family: version === 0 ? family : version, ports };
}

/** The last colon parts host and port, brackets or not; an IPv6 address without a port needs brackets, or none at all. */
function splitPort(text: string): { host: string; portText: string | null } {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/s.exec(text);
  if (bracketed !== null) return { host: bracketed[1] ?? "", portText: bracketed[2] ?? null };
  const colon = text.lastIndexOf(":");
  if (colon < 0) return { host: text, portText: null };
  return { host: text.slice(0, colon), portText: text.slice(colon + 1) };
}

function readPorts(text: string): Ports | string | null {
  if (text === "") return null;
  const match = /^([+-]?)([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(text);
  if (match === null) return `"${text}" is no port`;
  const [, sign, first = "", last] = match;
  if (sign !== "") return { kind: "offset", offset: Number(`${sign}${first}`) };
  const [low, high] = [Number(first), Number(last ?? first)];
  if (low < 1 || high > 65535 || high < low) return `${text} is no port: 1..65535`;
  return { kind: "range", low, high };
}

function refused(why: string): Address {
  return { kind: "refused", why };
}

/** Host and port as our file has them. */
export function endpointText(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
