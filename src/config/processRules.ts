import { canonicalHost, type Endpoint, formatEndpoint } from "../core/endpoint.ts";
import { filesNeeded, maxconnWithin } from "./fileBudget.ts";
import { rawTable } from "./inherit.ts";
import { showValue } from "./issue.ts";
import { readName } from "./keys.ts";
import { atKey, error, type Rule, warning } from "./rules.ts";

/** Errors and warnings about the process as a whole: [global], [[log]], [admin], [stats]. */

/** user and uid say the same thing twice. */
export const accounts: Rule = ({ document }) => {
  const table = rawTable(document, "global");
  const pairs = [
    ["user", "uid"],
    ["group", "gid"],
  ] as const;
  return pairs
    .filter(([name, id]) => name in table && id in table)
    .map(([name, id]) => atKey(error(["global", id], `${name} is set as well`, `write ${name} or ${id}, not both`)));
};

/** The proxy process cannot change to an account that is not there. */
export const unknownAccounts: Rule = ({ config, environment }) => {
  const known = environment.accounts;
  if (known === undefined) return [];
  const { user, group } = config.global;
  const pairs = [
    ["user", user, known.users, "useradd --system --no-create-home"],
    ["group", group, known.groups, "groupadd --system"],
  ] as const;
  return pairs.flatMap(([kind, name, names, create]) =>
    typeof name !== "string" || names.has(name)
      ? []
      : [
          warning(
            ["global", kind],
            `this machine has no ${kind} "${name}": root could not serve with it`,
            `${create} ${name}`,
          ),
        ],
  );
};

/** A service would lower maxconn to what it can have open, and say so: better before. */
export const openFiles: Rule = ({ config, environment, written }) => {
  const { maxconn } = config.global;
  const limit = environment.openFiles ?? null;
  const needed = filesNeeded(config, maxconn);
  if (limit === null || needed <= limit) return [];
  const fitting = maxconnWithin(config, limit);
  const effect = fitting < 1 ? "nobody could be served" : `maxconn would be lowered to ${fitting}`;
  return [
    warning(
      written(["global", "maxconn"], ["global"]),
      `${maxconn} connections need ${needed} open files and the limit here is ${limit}: ${effect}`,
      "raise it where the service starts (ulimit -n, LimitNOFILE=), or lower maxconn",
    ),
  ];
};

/** What the file cannot help, but the service would fail of. */
export const runtime: Rule = ({ environment }) => {
  const problem = environment.runtimeProblem ?? null;
  return problem === null ? [] : [warning([], problem, "")];
};

/** A file without work is most often the wrong file. */
export const somethingToDo: Rule = ({ document, spoiled }) =>
  spoiled([]) || ["listen", "stats", "vrrp"].some((key) => document[key] !== undefined)
    ? []
    : [
        error(
          [],
          "nothing to do: there is no [listen.NAME] table",
          'add one, with bind = ":PORT" and a [[listen.NAME.server]]',
        ),
      ];

/** Names in headers, [listen.NAME] and [vrrp.instance.NAME]: the schema only sees what is under them. */
export const tableNames: Rule = ({ document }) => {
  const places = [
    ["listen", rawTable(document, "listen")],
    ["vrrp.instance", rawTable(rawTable(document, "vrrp"), "instance")],
  ] as const;
  return places.flatMap(([section, table]) =>
    Object.keys(table).flatMap((name) => {
      const reading = readName(name);
      if (reading.ok) return [];
      return [atKey(error([...section.split("."), name], `${showValue(name)} ${reading.problem}`, reading.hint, name))];
    }),
  );
};

/** A log that nobody reads, or that is gone once the process detaches. */
export const logTargets: Rule = ({ config, document, origin }) => {
  const logged = config.listens.some((listen) => listen.log !== "off");
  if (document.log === undefined && logged) {
    return [
      warning(
        [],
        "no [[log]] table: connections and state changes are logged nowhere",
        'add one, as in address = "/dev/log"',
      ),
    ];
  }
  return config.logs.flatMap((log) =>
    config.global.daemon && (log.target.kind === "stdout" || log.target.kind === "stderr")
      ? [
          warning(
            [...origin(log), "address"],
            `global.daemon detaches from the terminal: ${log.target.kind} is lost`,
            'write "/dev/log", or an address of a syslog server',
            log.target.kind,
          ),
        ]
      : [],
  );
};

/** Who may see the page, and who may change servers from it. */
export const statsAccess: Rule = ({ config, spoiled }) => {
  const { stats } = config;
  if (stats === null || stats.auth.length > 0 || spoiled(["stats", "auth"])) return [];
  const hint = 'add auth = [{ user = "…", password = "…" }], or bind it to 127.0.0.1';
  if (stats.admin && !stats.binds.every(isLocal))
    return [warning(["stats", "admin"], "everybody who can open the page can change servers: there is no auth", hint)];
  return stats.binds.flatMap((bind, index) =>
    bind.kind === "tcp" && (bind.host === "0.0.0.0" || bind.host === "::")
      ? [warning(["stats", "bind", index], `the page is open to everybody who reaches ${formatEndpoint(bind)}`, hint)]
      : [],
  );
};

function isLocal(bind: Endpoint): boolean {
  return bind.kind === "unix" || bind.host.startsWith("127.") || canonicalHost(bind.host) === "::1";
}

/** Who else than root and the service itself may change servers over the runtime API. */
export const adminBind: Rule = ({ config: { admin } }) =>
  admin.binds.length === 0 || admin.bindLevel !== "admin"
    ? []
    : [
        warning(
          ["admin", "bind_level"],
          `every user of this host may change servers over ${admin.binds.map(formatEndpoint).join(" and ")}`,
          'write "user" or "operator", and use the socket for orders',
        ),
      ];

/** Paths that the page's server has for programs. */
export const statsUri: Rule = ({ config }) => {
  const taken = ["/metrics", "/healthz"].find((path) => config.stats?.uri === path);
  return taken === undefined
    ? []
    : [
        error(
          ["stats", "uri"],
          `${taken} is there for programs already`,
          'write another path, as "/haproxy.stats"',
          taken,
        ),
      ];
};

/** The socket takes commands that stop traffic. */
export const adminMode: Rule = ({ config }) =>
  (config.admin.mode & 0o002) === 0
    ? []
    : [
        warning(
          ["admin", "mode"],
          "every user of this host may change servers over this socket",
          'write "0600" or "0660"',
        ),
      ];
