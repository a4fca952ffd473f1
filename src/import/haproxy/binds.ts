import type { Ledger } from "../ledger.ts";
import { type Line, lookUp, type Statement, texts, type Word } from "../source.ts";
import { endpointText, readAddress } from "./address.ts";
import type { Variables } from "./words.ts";

/** An address to listen on, as our file has it. */
export interface BindDraft {
  readonly address: string;
  readonly from: Statement;
}

/** More ports than that in one range are a slip, or nothing for sockets of their own. */
const MAX_PORTS = 1000;

/** Words of a bind without an effect here, and how many arguments they take. */
const IGNORED: Readonly<Record<string, number>> = {
  "defer-accept": 0,
  tfo: 0,
  process: 1,
  thread: 1,
  mss: 1,
  "tcp-ut": 1,
  nice: 1,
  id: 1,
  name: 1,
  level: 1,
  "severity-output": 1,
  shards: 1,
  user: 1,
  group: 1,
  mode: 1,
  uid: 1,
  gid: 1,
  alpn: 1,
  npn: 1,
  proto: 1,
  guid: 1,
  "idle-ping": 1,
  cc: 1,
  label: 1,
  "tcp-md5sig": 1,
  nbconn: 1,
  "generate-certificates": 0,
  "expose-fd": 1,
};
const HELD = new Set(["transparent", "v4v6", "strict"]);
const FATAL: Readonly<Record<string, string>> = {
  ssl: "TLS is not ended here",
  "accept-proxy": "PROXY headers of clients are not read: they would be passed on as data",
  "accept-netscaler-cip": "headers of NetScaler are not read: they would be passed on as data",
  namespace: "sockets of other network namespaces are not bound",
};

/** What the binds of a proxy come to. */
export interface Binds {
  readonly addresses: readonly BindDraft[];
  /** `backlog` of a bind. */
  readonly backlog: { readonly value: number; readonly from: Statement } | null;
}

/** Reads `bind` lines, and the address that an old `listen NAME ADDRESS` has in its header. */
export function readBinds(header: Statement, binds: readonly Statement[], variables: Variables, ledger: Ledger): Binds {
  const addresses: BindDraft[] = [];
  let backlog: Binds["backlog"] = null;
  const old = header.words[2];
  if (old !== undefined && old.text !== "from") {
    const options = texts(header, 3);
    if (options.length === 0 || options[0] === "from") add(old, header);
  }
  for (const statement of binds) {
    const [, word, ...options] = statement.words;
    const refusal = readOptions(statement, options, ledger);
    if (refusal.fatal !== null) {
      ledger.leftOut(statement, refusal.fatal, "a listen without it, beside this one", true);
      continue;
    }
    if (refusal.backlog !== null) backlog = { value: refusal.backlog, from: statement };
    if (word === undefined) ledger.leftOut(statement, "there is no address", "", true);
    else add(word, statement, refusal.dual);
  }
  return { addresses, backlog };

  function add(word: Word, from: Statement, dual = true): void {
    for (const text of word.text.split(",")) {
      const found = endpoints(text, word, from.line, dual, variables, ledger);
      addresses.push(
        ...found
          .filter((each) => !addresses.some(({ address }) => address === each))
          .map((address) => ({ address, from })),
      );
    }
  }
}

function readOptions(
  statement: Statement,
  options: readonly Word[],
  ledger: Ledger,
): { fatal: string | null; dual: boolean; backlog: number | null } {
  let fatal: string | null = null;
  let dual = true;
  let backlog: number | null = null;
  for (let at = 0; at < options.length; at++) {
    const word = options[at] as Word;
    const { text } = word;
    if (Object.hasOwn(FATAL, text)) fatal ??= FATAL[text] as string;
    else if (text === "v6only") dual = false;
    else if (text === "backlog") backlog = Math.min(65_535, Math.max(1, Number(options[++at]?.text) || 1));
    else if (text === "maxconn") {
      ledger.partLeftOut(
        { line: statement.line, word },
        "one address of several has no limit of its own",
        "maxconn of the listen",
      );
      at++;
    } else if (text === "interface") {
      ledger.partLeftOut(
        { line: statement.line, word },
        "sockets are not tied to an interface: every one is served",
        "the interface's own address",
      );
      at++;
    } else if (!HELD.has(text)) {
      if (fatal === null && text !== "name" && text !== "id") {
        const why = Object.hasOwn(IGNORED, text)
          ? `${text} has no counterpart here`
          : `nothing is known of "${text}" here`;
        ledger.partLeftOut({ line: statement.line, word }, why);
      }
      at += lookUp(IGNORED, text) ?? 0;
    }
  }
  return { fatal, dual, backlog };
}

/** One address as ours: a range of ports becomes several, a wildcard of IPv6 takes IPv4 along where HAProxy's does. */
function endpoints(
  text: string,
  word: Word,
  line: Line,
  dual: boolean,
  variables: Variables,
  ledger: Ledger,
): string[] {
  const refuse = (why: string, nearest = ""): string[] => {
    ledger.partLeftOut({ line, word }, why, nearest, true);
    return [];
  };
  const address = readAddress(text, variables);
  if (address.kind === "refused") return refuse(address.why);
  if (address.kind === "unix") return [`unix:${address.path}`];
  if (address.kind === "fd") {
    const bound = variables[`fd@${address.fd}`];
    return bound === undefined ? refuse("nobody has bound this descriptor for us", "the address") : [bound];
  }
  const { host, ports, family } = address;
  if (ports === null || ports.kind === "offset") return refuse("it has no port");
  if (ports.high - ports.low >= MAX_PORTS)
    return refuse(`a range of ${ports.high - ports.low + 1} ports is not bound`, "fewer ports");
  const all = Array.from({ length: ports.high - ports.low + 1 }, (_, index) => ports.low + index);
  if (host === "" && family === 0) return all.map((port) => `:${port}`);
  if (host === "" || host === "::") {
    const six = all.map((port) => `[::]:${port}`);
    if (family === 4) return all.map((port) => `:${port}`);
    // A socket of ours is of one family; HAProxy's takes IPv4 along unless v6only or the system says otherwise.
    return dual ? all.flatMap((port) => [`:${port}`, `[::]:${port}`]) : six;
  }
  if (host === "localhost") return all.map((port) => `127.0.0.1:${port}`);
  if (family === 0 || /[^0-9a-fA-F.:]/.test(host))
    return refuse(`${host} is a name: an address is bound by its number`, "the IP address");
  return all.map((port) => endpointText(host, port));
}
