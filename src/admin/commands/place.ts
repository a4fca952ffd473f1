import { canonicalHost, ipVersion } from "../../core/endpoint.ts";
import { Level } from "../../core/syslogCodes.ts";
import { type Reply, refused, refusedBarely, told } from "../command.ts";
import type { OperatedServer } from "../operator.ts";
import { leadingInteger, wholeNumber } from "./integer.ts";

/** How HAProxy's sentences about addresses end, whoever has given the order. */
const BY_US = " by 'stats socket command'";
const MAX_PORT = 65_535;

/** `set server b/s addr IP [port P]` */
export function setAddress(server: OperatedServer, [host, keyword, port = ""]: readonly string[]): Reply {
  if (host === undefined) return refused("set server <b>/<s> addr requires an address and optionally a port.");
  if (ipVersion(host) === 0) return refused(`Invalid addr '${host}'${BY_US}`);
  const now = server.address;
  if (now === null)
    return refused(
      `Update for the current server address family is only supported through configuration file.${BY_US}`,
    );
  const isSame = canonicalHost(now.host) === canonicalHost(host);
  const moved = isSame ? "no need to change the addr" : `IP changed from '${now.host}' to '${host}'`;
  if (keyword !== "port") {
    server.setAddress(host, now.port);
    return told(`${moved}${BY_US}`, Level.warning);
  }
  const problem = portProblem(port);
  if (problem !== null) return refused(`${isSame ? moved : "the addr stays"}, ${problem}${BY_US}`);
  const after = Number(port);
  const ported = after === now.port ? "no need to change the port" : `port changed from '${now.port}' to '${after}'`;
  server.setAddress(host, after);
  return told(`${moved}, ${ported}${BY_US}`, Level.warning);
}

function portProblem(port: string): string | null {
  if (/^[+-]\d/.test(port))
    return "can't change <port> to port map because it is incompatible with current health check port configuration (use 'port' statement from the 'server' directive.";
  const number = wholeNumber(port);
  return number === null || number < 1 || number > MAX_PORT ? `problem converting port '${port}' to an int` : null;
}

/** `set server b/s check-port P`; 0: the server's own. */
export function setCheckPort(server: OperatedServer, [port]: readonly string[]): Reply {
  if (port === undefined) return refused("set server <b>/<s> check-port requires a port.");
  if (!server.isChecked) return refusedBarely(NOT_CHECKED);
  const number = readCheckPort(port);
  if (typeof number === "string") return refusedBarely(number);
  server.setCheckPlace({ ...server.checkPlace, port: number || null });
  return "";
}

/** `set server b/s check-addr IP [port P]` */
export function setCheckAddress(server: OperatedServer, [host, keyword, port = ""]: readonly string[]): Reply {
  if (host === undefined) return refused("set server <b>/<s> check-addr requires an address and optionally a port.");
  if (!server.isChecked) return refusedBarely(NOT_CHECKED);
  if (ipVersion(host) === 0) return refusedBarely(`invalid addr '${host}'`);
  const number = keyword === "port" ? readCheckPort(port) : server.checkPlace.port;
  if (typeof number === "string") return refusedBarely(number);
  server.setCheckPlace({ host, port: number || null });
  return "";
}

const NOT_CHECKED = "health checks are not enabled on this server";

function readCheckPort(text: string): number | string {
  const read = leadingInteger(text);
  if (read === null || read.rest !== "") return "provided port is not an integer";
  return read.value < 0 || read.value > MAX_PORT ? "provided port is invalid" : read.value;
}
