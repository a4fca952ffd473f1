import { CONFIG, CONNECTION_LOG, MANIFEST, PID_FILE, RUN_DIRECTORY, STATUS_LOG } from "../paths.ts";
import type { CommandSurface, FlagSurface } from "../surface.ts";
import { argument, MANUAL_DATE, plain, sentences } from "./mdoc.ts";

const SIGNALS: readonly (readonly [string, string])[] = [
  [
    "SIGTERM, SIGINT",
    "Stop accepting, let connections finish for hard_stop_after, exit 0. A second one closes them at once.",
  ],
  ["SIGHUP", "Read the configuration again. A file with errors changes nothing."],
  ["SIGUSR2", "Change to the program that is on the disk now, without losing a connection."],
];

const STATUSES: readonly (readonly [string, string])[] = [
  ["0", "It worked; for status: healthy."],
  ["1", "It did not work; for status: something is down."],
  ["2", "Wrong usage."],
  ["3", "Nothing is running there."],
  ["4", "Not enough privilege."],
  ["78", "The configuration is not valid."],
];

const FILES: readonly (readonly [string, string])[] = [
  [CONFIG, "the configuration of the service"],
  [RUN_DIRECTORY, "sockets and pid file"],
  [PID_FILE, "process id of the service"],
  [CONNECTION_LOG, "one line a connection"],
  [STATUS_LOG, "one line a change of state"],
  [MANIFEST, "what install has put on the host"],
];

/** The manual page haproxy-lite(8), mdoc(7): commands and flags are the program's own. */
export function manProgram(commands: readonly CommandSurface[]): string {
  return `.Dd ${MANUAL_DATE}
.Dt HAPROXY-LITE 8
.Os
.Sh NAME
.Nm haproxy-lite
.Nd TCP load balancer with its own virtual IP address
.Sh SYNOPSIS
${commands.map(synopsis).join("\n")}
.Sh DESCRIPTION
.Nm
balances TCP services over several servers, checks them, logs every connection the way HAProxy does, and moves virtual IP
addresses between hosts by VRRP the way keepalived does.
One file,
.Xr haproxy-lite.toml 5 ,
configures all of it.
.Pp
The commands are:
${list(commands.map((command) => [`.Ic ${argument(command.name)}`, commandBody(command)]))}
.Pp
All take
.Fl -help
and
.Fl -version .
.Sh SIGNALS
${list(SIGNALS.map(([name, text]) => [plain(name), sentences(text)]))}
.Sh FILES
${list(FILES.map(([path, text]) => [`.Pa ${argument(path)}`, plain(text)]))}
.Sh EXIT STATUS
${list(STATUSES.map(([code, text]) => [code, sentences(text)]))}
.Sh SEE ALSO
.Xr haproxy 1 ,
.Xr systemctl 1 ,
.Xr haproxy-lite.toml 5 ,
.Xr keepalived 8
`;
}

function synopsis({ name, flags, operands }: CommandSurface): string {
  const words = [
    ...flags.map((flag) => `.Op ${flagMacro(flag)}`),
    ...operands.map((operand) => `.Ar ${argument(operand)}`),
  ];
  return [".Nm", `.Ic ${argument(name)}`, ...words].join("\n");
}

function commandBody({ description, flags }: CommandSurface): string {
  if (flags.length === 0) return sentences(description);
  const entries = flags.map((flag): [string, string] => [
    `.It ${flag.spellings.map((_, index) => flagMacro(flag, index)).join(" , ")}`,
    sentences(capital(flag.description)),
  ]);
  return `${sentences(description)}\n.Bl -tag -width Ds\n${entries.map(([head, body]) => `${head}\n${body}`).join("\n")}\n.El`;
}

/** `Fl -config Ar FILE` for the flag --config FILE. */
function flagMacro({ spellings, value }: FlagSurface, index = 0): string {
  const spelling = spellings[index]?.slice(1) ?? "";
  return `Fl ${spelling}${value === null ? "" : ` Ar ${value}`}`;
}

function list(rows: readonly (readonly [string, string])[]): string {
  const items = rows.map(([head, body]) => `.It ${head.replace(/^\./, "")}\n${body}`);
  return `.Bl -tag -width Ds\n${items.join("\n")}\n.El`;
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}
