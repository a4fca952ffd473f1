import { ipVersion } from "../core/endpoint.ts";
import { isRaw, type Raw, rawTable, rawTables } from "./inherit.ts";
import type { Finding } from "./issue.ts";
import { formatPath, type Path } from "./places.ts";
import { atKey, error, type Rule, warning } from "./rules.ts";
import type { ListenConfig } from "./schema.ts";

/** Errors and warnings about a listen and its servers. */

/** Names of servers are what the log, the statistics and the runtime API know them by. Read from the file, so that a server with other mistakes counts. */
export const serverNames: Rule = ({ document }) =>
  Object.entries(rawTable(document, "listen")).flatMap(([name, listen]) => {
    const seen = new Set<unknown>();
    return rawTables(isRaw(listen) ? listen : {}, "server").flatMap((server, index) => {
      const serverName = server?.name;
      if (typeof serverName !== "string" || !seen.has(serverName)) {
        seen.add(serverName);
        return [];
      }
      const path = ["listen", name, "server", index, "name"];
      return [
        error(
          path,
          `there is a server "${serverName}" in this listen already`,
          "give each server a name of its own",
          serverName,
        ),
      ];
    });
  });

/** `bind = []` fits the schema of a list, and nothing would listen. */
export const emptyBinds: Rule = ({ document, spoiled }) => {
  const listens = rawTable(document, "listen");
  const owners = Object.keys(listens).map((name): [Path, Raw] => [["listen", name], rawTable(listens, name)]);
  return [...owners, [["stats"], rawTable(document, "stats")] as [Path, Raw]]
    .filter(([path]) => !spoiled([...path, "bind"]))
    .filter(([, table]) => Array.isArray(table.bind) && table.bind.length === 0)
    .map(([path]) => error([...path, "bind"], "the list of addresses is empty", 'write one, as in bind = ":8080"'));
};

const NEEDED = ["connect", "client", "server"] as const;

/** HAProxy warns of these too: without them a silent peer holds its connection for ever. */
export const missingTimeouts: Rule = ({ config, origin, spoiled }) =>
  config.listens.flatMap((listen) => {
    const refused = (key: string) => spoiled([...origin(listen), "timeout", key], ["defaults", "timeout", key]);
    const missing = NEEDED.filter((key) => listen.timeout[`${key}Ms`] === null && !refused(key));
    if (missing.length === 0) return [];
    const keys = missing.map((key) => `timeout.${key}`).join(", ");
    return [
      atKey(
        warning(
          origin(listen),
          `no ${keys}: silent peers hold connections for ever`,
          'set them here or under [defaults.timeout], as in connect = "5s"',
        ),
      ),
    ];
  });

/** Where the servers of a listen and all that they inherit is written. */
function serverPaths(listen: Path): Path[] {
  return [listen, ["defaults"]].flatMap((path) => ["server", "default_server", "check"].map((key) => [...path, key]));
}

/** Sets of servers that can serve nobody, or not for long. */
export const serverSets: Rule = ({ config, origin, spoiled }) =>
  config.listens.flatMap((listen): Finding[] => {
    if (spoiled(...serverPaths(origin(listen)))) return [];
    const say = (message: string, hint: string, key?: string) =>
      atKey(warning(key === undefined ? origin(listen) : [...origin(listen), key], message, hint));
    const { servers } = listen;
    if (servers.length === 0)
      return [
        say(
          "no server: every connection will be refused",
          `add a [[${formatPath([...origin(listen), "server"])}]] table`,
        ),
      ];
    const findings: Finding[] = [];
    if (servers.every((server) => server.backup)) {
      findings.push(say("every server is a backup", "a backup stands in for others: make one server no backup"));
    }
    if (servers.every((server) => server.weight === 0)) {
      findings.push(
        say("every server has weight 0: none will get a connection", "give at least one server a weight of 1..256"),
      );
    }
    if (servers.every((server) => server.disabled)) {
      findings.push(say("every server is disabled", "every connection is refused until one is enabled"));
    }
    return [...findings, ...firstWithoutLimit(listen, say)];
  });

function firstWithoutLimit(
  listen: ListenConfig,
  say: (message: string, hint: string, key?: string) => Finding,
): Finding[] {
  const open = listen.servers.slice(0, -1).find((server) => server.maxconn === null);
  if (listen.balance !== "first" || open === undefined) return [];
  return [
    say(
      `balance "first" never goes past ${open.name}, which has no maxconn`,
      "give every server but the last a maxconn",
      "balance",
    ),
  ];
}

/** A server without checks gets its share of the traffic when it is dead, too. */
export const uncheckedServers: Rule = ({ config, document, origin, spoiled, written }) =>
  config.listens.flatMap((listen) => {
    const inherited = [origin(listen), ["defaults"]].flatMap((path) => [
      [...path, "check"],
      [...path, "default_server", "check"],
    ]);
    if (spoiled(...inherited)) return [];
    const raw = rawTable(rawTable(document, "listen"), listen.name);
    const chosen = [raw.check, rawTable(raw, "default_server").check, rawTable(document, "defaults").check];
    if (chosen.includes(false)) return [];
    const rawServers = rawTables(raw, "server");
    const unchecked = listen.servers.filter((server) => {
      const index = origin(server).at(-1) as number;
      const refused = spoiled([...origin(server), "check"]);
      return server.check === null && !refused && rawServers[index]?.check !== false;
    });
    if (unchecked.length === 0) return [];
    const names = unchecked.map(({ name }) => name).join(", ");
    const who =
      unchecked.length === rawServers.length
        ? "no server is checked"
        : `${names} ${unchecked.length === 1 ? "is" : "are"} not checked`;
    return [
      atKey(
        warning(
          written([...origin(listen), "server"], origin(listen)),
          `${who}: a dead server keeps its share of the connections`,
          `add [${formatPath([...origin(listen), "check"])}], or say check = false`,
        ),
      ),
    ];
  });

/** A limit that another one makes unreachable. */
export const listenLimits: Rule = ({ config, origin, written }) =>
  config.listens.flatMap((listen) =>
    listen.maxconn !== null && listen.maxconn > config.global.maxconn
      ? [
          warning(
            written([...origin(listen), "maxconn"], ["defaults", "maxconn"]),
            `${listen.name} will never have ${listen.maxconn} connections: the whole process takes ${config.global.maxconn}`,
            "raise maxconn under [global]",
            listen.maxconn,
          ),
        ]
      : [],
  );

/** Keys of a server that contradict its address, or need a check. */
export const serverKeys: Rule = ({ config, document, origin, written }) =>
  config.listens.flatMap((listen) =>
    listen.servers.flatMap((server): Finding[] => {
      const at = (key: string): Path =>
        written(
          [...origin(server), key],
          [...origin(listen), "default_server", key],
          [...origin(listen), key],
          ["defaults", "default_server", key],
          ["defaults", key],
          origin(server),
        );
      const findings: Finding[] = [];
      const { address } = server;
      if (address.kind === "unix" && server.source.length > 0) {
        findings.push(
          error(at("source"), `${server.name} is a unix socket, which has no source address`, "remove source"),
        );
      }
      if (address.kind === "tcp") {
        const family = ipVersion(address.host);
        const foreign = family === 0 ? undefined : server.source.find((source) => ipVersion(source) !== family);
        if (foreign !== undefined) {
          const message = `${server.name} has an IPv${family} address, ${foreign} is none`;
          findings.push(error(at("source"), message, `write an IPv${family} address`, foreign));
        }
      }
      if (server.observe !== "none" && server.check === null) {
        findings.push(warning(at("observe"), `${server.name} is not checked: observe has no effect`, "add a check"));
      }
      if (server.check?.address.kind === "unix") {
        const table = rawTable(rawTable(document, "listen"), listen.name);
        const raw = rawTables(table, "server")[origin(server).at(-1) as number];
        const lone = ["check_port", "check_address"].find((key) => raw?.[key] !== undefined);
        if (lone !== undefined) {
          const message = `${server.name} is a unix socket: ${lone} alone says no place to check`;
          findings.push(error(at(lone), message, "write both check_address and check_port"));
        }
        if (server.check.steps.some((step) => step.kind === "connect" && step.port !== null)) {
          const message = `${server.name} is a unix socket: a step of its check connects to a port`;
          findings.push(error(at("check"), message, "write both check_address and check_port, or remove the port"));
        }
      }
      return findings;
    }),
  );
