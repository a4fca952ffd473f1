import { isIP } from "node:net";

/**
 * Where a socket is bound or dialled. `host` of a TCP endpoint is an IP literal without brackets, or a host name where
 * the parser was told to take names; `port` is 1..65535. A unix path that begins with "@" is an abstract name.
 */
export type Endpoint =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** An endpoint, or why the text is none. `problem` finishes the sentence "TEXT …"; `hint` says what to write. */
export type ParsedEndpoint =
  | { readonly ok: true; readonly endpoint: Endpoint }
  | { readonly ok: false; readonly problem: string; readonly hint: string };

/** What a place of the configuration accepts as an endpoint. */
export interface EndpointRules {
  /** Take ":80" and "*:80" for every local IPv4 address (a place to bind). */
  readonly wildcard: boolean;
  /** Take host names as well as IP literals (a place to dial; somebody else resolves them). */
  readonly names: boolean;
  /** Port when none is written; null: a port must be written. */
  readonly defaultPort: number | null;
}

/** Longest path of a unix socket in bytes: sun_path holds 108 with the closing NUL (unix(7)). */
const MAX_UNIX_PATH_BYTES = 107;

/** Where to listen: wildcards allowed, names refused. */
export const BIND_RULES: EndpointRules = { wildcard: true, names: false, defaultPort: null };

/** Where to connect: names allowed, wildcards refused. */
export const DIAL_RULES: EndpointRules = { wildcard: false, names: true, defaultPort: null };

const LABEL = /^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)$/;

const no = (problem: string, hint: string): ParsedEndpoint => ({ ok: false, problem, hint });

/** 4 or 6 for an IP literal that the kernel takes as it stands (no zone such as "%eth0"), else 0. */
export function ipVersion(host: string): 0 | 4 | 6 {
  if (host.includes("%")) return 0;
  const version = isIP(host);
  return version === 4 || version === 6 ? version : 0;
}

/** True for a host name that a resolver may be asked for: RFC 1123 labels, underscores tolerated, not all digits and dots. */
export function isHostName(host: string): boolean {
  const bare = host.endsWith(".") ? host.slice(0, -1) : host;
  return bare.length <= 253 && !/^[0-9.]*$/.test(bare) && bare.split(".").every((label) => LABEL.test(label));
}

/** Reads "host:port", ":port", "*:port", "[v6]:port", "unix:/path" and a bare "/path". Never throws. */
export function parseEndpoint(text: string, rules: EndpointRules): ParsedEndpoint {
  if (text.startsWith("unix:")) return parseUnix(text.slice("unix:".length));
  if (text.startsWith("/")) return parseUnix(text);
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/s.exec(text);
  if (bracketed) return parseTcp(bracketed[1] ?? "", bracketed[2], true, rules);
  if (text.startsWith("[")) return no("has a bracket in the wrong place", 'write "[2001:db8::1]:80"');
  if (ipVersion(text) === 6) {
    // The end of 2001:db8::1:80 may be a port, or a part of the address.
    const tail = /^(.*[^:]):([0-9]{1,5})$/.exec(text);
    const split = tail && ipVersion(tail[1] ?? "") === 6 ? `"[${tail[1]}]:${tail[2]}" or ` : "";
    return no("is an IPv6 address without brackets", `write ${split}"[${text}]:PORT"`);
  }
  const colon = text.lastIndexOf(":");
  return colon < 0
    ? parseTcp(text, undefined, false, rules)
    : parseTcp(text.slice(0, colon), text.slice(colon + 1), false, rules);
}

function parseUnix(path: string): ParsedEndpoint {
  if (!path.startsWith("/") && !path.startsWith("@")) {
    return no("has no absolute path", 'write "unix:/run/NAME.sock" (or "unix:@NAME" for an abstract socket)');
  }
  if (path.length < 2) return no("names no socket", 'write "unix:/run/NAME.sock"');
  if (/[\p{Cc}]/u.test(path)) return no("has a control character in its path", "remove it");
  const sizeBytes = new TextEncoder().encode(path).length;
  if (sizeBytes > MAX_UNIX_PATH_BYTES) {
    return no(`has a path of ${sizeBytes} bytes`, `the kernel takes at most ${MAX_UNIX_PATH_BYTES}: use a shorter one`);
  }
  return { ok: true, endpoint: { kind: "unix", path } };
}

function parseTcp(
  hostText: string,
  portText: string | undefined,
  bracketed: boolean,
  rules: EndpointRules,
): ParsedEndpoint {
  const anywhere = !bracketed && (hostText === "" || hostText === "*");
  const example = rules.wildcard ? '":8080" or "192.0.2.1:8080"' : '"192.0.2.1:8080"';
  if (portText === undefined && rules.defaultPort === null) {
    return no(
      "has no port",
      hostText === "" ? `write ${example}` : `write "${bracketed ? `[${hostText}]` : hostText}:PORT"`,
    );
  }
  const port = portText === undefined ? (rules.defaultPort as number) : parsePort(portText);
  if (typeof port === "string") return no(port, `a port is 1..65535, as in ${example}`);
  if (anywhere) {
    return rules.wildcard
      ? { ok: true, endpoint: { kind: "tcp", host: "0.0.0.0", port } }
      : no("has no host", `write the address to connect to, as in "192.0.2.1:${port}"`);
  }
  const version = ipVersion(hostText);
  if (bracketed ? version === 6 : version === 4) return { ok: true, endpoint: { kind: "tcp", host: hostText, port } };
  if (version === 6 || (!bracketed && hostText.includes(":"))) {
    return no("has an IPv6 address without brackets", `write "[${hostText}]:${port}"`);
  }
  if (hostText.includes("%")) {
    return no("has an IPv6 zone", "zones are not supported: use an address that is not link-local");
  }
  if (bracketed) return no("has no IPv6 address between its brackets", `write "[2001:db8::1]:${port}"`);
  if (!isHostName(hostText)) return no("has no valid address", `write ${example}`);
  if (!rules.names) return no("names a host where an IP address is needed", `write ${example}`);
  return { ok: true, endpoint: { kind: "tcp", host: hostText, port } };
}

/** The port, or what is wrong with it. */
function parsePort(text: string): number | string {
  if (text === "") return "has no port after its colon";
  if (!/^[0-9]{1,9}$/.test(text)) return `has "${text}" where a port belongs`;
  const port = Number(text);
  return port >= 1 && port <= 65535 ? port : `has port ${port}`;
}

/** The endpoint as people write it: "192.0.2.1:80", "[2001:db8::1]:80", "unix:/run/a.sock". */
export function formatEndpoint(endpoint: Endpoint): string {
  if (endpoint.kind === "unix") return `unix:${endpoint.path}`;
  return `${endpoint.host.includes(":") ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`;
}

/** One spelling per address: IPv6 compressed as RFC 5952 says, names in lower case; for comparing, not for showing. */
export function canonicalHost(host: string): string {
  if (ipVersion(host) !== 6) return host.toLowerCase();
  return new URL(`http://[${host}]/`).hostname.slice(1, -1);
}

/** True when both name the same place, however they are spelled. */
export function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  if (a.kind === "unix") return b.kind === "unix" && a.path === b.path;
  return b.kind === "tcp" && a.port === b.port && canonicalHost(a.host) === canonicalHost(b.host);
}
