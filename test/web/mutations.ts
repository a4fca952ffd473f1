const METHODS = ["GET", "GET", "GET", "HEAD", "POST", "PUT", "OPTIONS", "BREW", "get", "G\0T", ""];
const TARGETS = [
  "/haproxy.stats",
  "/haproxy.stats;csv",
  "/haproxy.stats;json;norefresh?scope=%ff%",
  "/metrics?scope=server&scope=",
  "/healthz?listen=web",
  "http://lb01/;csv",
  "*",
  "/\xe4",
  "",
];
const VERSIONS = ["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/1.", "http/1.1", "HTTP/9.9"];
const HEADERS = [
  "Host: lb01",
  "Host: lb01",
  "Host: lb01",
  "Connection: close",
  "Connection: keep-alive, Upgrade",
  "Authorization: Basic YWRtaW46c2VjcmV0",
  "Authorization: Basic ====",
  "Content-Length: 5",
  "Content-Length: 99999",
  "Content-Length: 1e3",
  "Transfer-Encoding: chunked",
  "Expect: 100-continue",
  "Expect: cake",
  "Accept: */*",
  "X: \xff\x80",
  " folded",
  "no colon",
  ": no name",
];
const ENDS = ["\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r", ""];

/** Bytes of a request that may be one, with parts that are wrong, and now and then a few bytes changed, taken away or doubled. */
export function mutations(below: (n: number) => number): Uint8Array {
  const random = () => below(1_000_000) / 1_000_000;
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const end = () => (random() < 0.95 ? "\r\n" : pick(ENDS));
  let text = `${pick(METHODS)} ${pick(TARGETS)} ${pick(VERSIONS)}${end()}`;
  if (random() < 0.8) text += `Host: lb01${end()}`;
  for (let count = Math.floor(random() * 4); count > 0; count--) text += pick(HEADERS) + end();
  if (random() < 0.01) text += `X: ${"y".repeat(Math.floor(random() * 20_000))}${end()}`;
  if (random() < 0.01) text = text.replace("/", `/${"z".repeat(Math.floor(random() * 20_000))}`);
  text += `${end()}${pick(["", "", "hello", "s=s1&b=web&action=drain"])}`;
  const bytes = Buffer.from(text, "latin1");
  for (let count = random() < 0.5 ? 0 : Math.ceil(random() * 3); count > 0; count--) {
    const at = Math.floor(random() * bytes.length);
    if (random() < 0.5) bytes[at] = Math.floor(random() * 256);
    else bytes.copyWithin(at, Math.floor(random() * bytes.length));
  }
  return random() < 0.1 ? bytes.subarray(0, Math.floor(random() * bytes.length)) : bytes;
}
