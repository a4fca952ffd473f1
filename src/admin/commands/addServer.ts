import type { ServerWords } from "../../config/addedServer.ts";
import { Level } from "../../core/syslogCodes.ts";
import { type AdminCommand, type Reply, refused, refusedBarely, told } from "../command.ts";
import type { Operator } from "../operator.ts";
import { wholeNumber } from "./integer.ts";
import { bothNames, findListen, findServer } from "./names.ts";

/** `add server` and `del server`. */
export function serverListCommands(operator: Operator): AdminCommand[] {
  return [
    {
      words: ["add", "server"],
      usage: "add server <bk>/<srv>",
      summary: "create a new server",
      level: "admin",
      run: (args) => addServer(operator, args),
    },
    {
      words: ["del", "server"],
      usage: "del server <bk>/<srv>",
      summary: "remove a dynamically added server",
      level: "admin",
      run: ([name]) => deleteServer(operator, name),
    },
  ];
}

async function addServer(operator: Operator, [name, address, ...words]: readonly string[]): Promise<Reply> {
  const names = bothNames(name);
  if (names === null) return refusedBarely("Require 'backend/server'.");
  const listen = findListen(operator, names.listen);
  if (listen === null) return refusedBarely("No such backend.");
  const { server } = names;
  const strange = /[^A-Za-z0-9_.:-]/u.exec(server)?.[0];
  if (strange !== undefined) return refused(`character '${strange}' is not permitted in server name '${server}'.`);
  if (listen.servers.some((each) => each.name === server))
    return refused("Already exists a server with the same name in backend.");
  if (address === undefined) return refused("'server' expects <name> and <addr>[:<port>] as arguments.");
  const keys = readKeywords(server, words);
  if (typeof keys === "string") return refused(keys);
  const problem = await listen.addServer({ name: server, address, keys });
  return problem === null ? told("New server registered.") : refused(problem);
}

async function deleteServer(operator: Operator, name: string | undefined): Promise<Reply> {
  const found = findServer(operator, name);
  if (!("server" in found)) return refusedBarely(found.text.trimEnd());
  const { server } = found;
  if (server.admin !== "maint") return refusedBarely("Only servers in maintenance mode can be deleted.");
  if (server.hasSessions) return refusedBarely("Server still has connections attached to it, cannot remove it.");
  const problem = await server.remove();
  return problem === null ? { severity: Level.info, text: "Server deleted." } : refusedBarely(problem);
}

/** Where a keyword's value goes among the keys of the file, and how it is written there. */
type Keyword = (value: string) => Record<string, unknown>;

const whole = (value: string): unknown => wholeNumber(value) ?? value;
/** HAProxy's times are milliseconds unless they say else. */
const time = (value: string): string => (/^\d+$/.test(value) ? `${value}ms` : value);
const inCheck =
  (key: string, read: (value: string) => unknown): Keyword =>
  (value) => ({ check: { [key]: read(value) } });

/** HAProxy's keywords of a server that make sense here: those with a value, and those without. */
const WITH_VALUE: Readonly<Record<string, Keyword>> = {
  weight: (value) => ({ weight: whole(value) }),
  maxconn: (value) => ({ maxconn: value === "0" ? undefined : whole(value) }),
  inter: inCheck("interval", time),
  fastinter: inCheck("fast_interval", time),
  downinter: inCheck("down_interval", time),
  rise: inCheck("rise", whole),
  fall: inCheck("fall", whole),
  port: (value) => ({ check_port: value === "0" ? undefined : whole(value) }),
  addr: (value) => ({ check_address: value }),
  slowstart: (value) => ({ slowstart: time(value) }),
  observe: (value) => ({ observe: value }),
  "error-limit": (value) => ({ error_limit: whole(value) }),
  "on-error": (value) => ({ on_error: value }),
  "on-marked-down": (value) => ({ on_marked_down: value }),
  "on-marked-up": (value) => ({ on_marked_up: value }),
  source: (value) => ({ source: value }),
};
const WITHOUT_VALUE: Readonly<Record<string, Record<string, unknown>>> = {
  check: { check: {} },
  "no-check": { check: false },
  backup: { backup: true },
  // It is in maintenance anyhow, until somebody enables it.
  disabled: {},
  enabled: {},
  "send-proxy": { send_proxy: "v1" },
  "send-proxy-v2": { send_proxy: "v2" },
};
/** Keywords that HAProxy knows, and that mean nothing here. */
const NOT_HERE =
  /^(agent-.*|alpn|ca-file|check-.*|ciphers|cookie|crt|fqdn|id|init-addr|maxqueue|minconn|pool-.*|proto|redir|resolve.*|sni|ssl|tcp-ut|tfo|track|verify|ws)$/;

/** Keys of the file for HAProxy's keywords; a string says what is wrong with them. */
function readKeywords(server: string, words: readonly string[]): ServerWords["keys"] | string {
  let keys: Record<string, unknown> = {};
  const add = (more: Record<string, unknown>): void => {
    const { check: before } = keys;
    keys = { ...keys, ...more };
    if (isTable(before) && isTable(more.check)) keys.check = { ...before, ...more.check };
  };
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    if (Object.hasOwn(WITHOUT_VALUE, word)) {
      add(WITHOUT_VALUE[word] ?? {});
      continue;
    }
    if (NOT_HERE.test(word)) return `'${word}' option is not accepted for dynamic server`;
    const keyword = Object.hasOwn(WITH_VALUE, word) ? WITH_VALUE[word] : undefined;
    if (keyword === undefined) return `unknown keyword '${word}'.`;
    const value = words[++at];
    if (value === undefined) return `'${word}' expects an argument.`;
    const weight = word === "weight" ? wholeNumber(value) : null;
    if (weight !== null && (weight < 0 || weight > 256))
      return `weight of server ${server} is not within 0 and 256 (${weight})..`;
    add(keyword(value));
  }
  // Intervals and the like turn no check on.
  if (!words.includes("check") && isTable(keys.check)) delete keys.check;
  return Object.fromEntries(Object.entries(keys).filter(([, value]) => value !== undefined));
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
