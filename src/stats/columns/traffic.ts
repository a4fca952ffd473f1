import type { BackendRow, FrontendRow, ServerRow, StatRow } from "../rows.ts";
import type { ServerSnapshot } from "../snapshot.ts";
import { type Column, column, seconds, total, weightInForce } from "./column.ts";

/** Most sessions at a time; a listen without a limit of its own has the process's. */
const listenLimit = ({ listen, process }: FrontendRow | BackendRow) =>
  listen.sessions.limit ?? process.connections.limit;
const listenName = ({ listen }: StatRow) => listen.name;
const iid = (row: StatRow) => row.iid;
/** Checks and what follows from them are not reported of a server that has none. */
const ifChecked = (value: (row: ServerRow) => number) => (row: ServerRow) =>
  row.server.check === null ? null : value(row);

/** Columns 0 to 35: who it is, sessions, bytes, errors, how it stands. */
export const TRAFFIC: readonly Column[] = [
  column("pxname", "KNS:str", "name of the listen", { frontend: listenName, backend: listenName, server: listenName }),
  column("svname", "KNS:str", "FRONTEND, BACKEND, or the server's name", {
    frontend: "FRONTEND",
    backend: "BACKEND",
    server: ({ server }) => server.name,
  }),
  column("qcur", "MGP:u32", "connections that wait for a server now", {
    backend: ({ listen }) => listen.queue.current,
    server: ({ server }) => server.queue.current,
  }),
  column("qmax", "MMP:u32", "most that have waited at once", {
    backend: ({ listen }) => listen.queue.max,
    server: ({ server }) => server.queue.max,
  }),
  column("scur", "MGP:u32", "sessions now", {
    frontend: ({ listen }) => listen.sessions.current,
    backend: ({ listen }) => listen.sessions.current,
    server: ({ server }) => server.sessions.current,
  }),
  column("smax", "MMP:u32", "most sessions at once", {
    frontend: ({ listen }) => listen.sessions.max,
    backend: ({ listen }) => listen.sessions.max,
    server: ({ server }) => server.sessions.max,
  }),
  column("slim", "CLP:u32", "most sessions allowed at once", {
    frontend: listenLimit,
    backend: listenLimit,
    server: ({ server }) => server.sessions.limit,
  }),
  column("stot", "MCP:u64", "sessions so far", {
    frontend: ({ listen }) => listen.sessions.total,
    backend: ({ listen }) => listen.sessions.total,
    server: ({ server }) => server.sessions.total,
  }),
  column("bin", "MCP:u64", "bytes from clients", {
    frontend: ({ listen }) => listen.bytesIn,
    backend: ({ listen }) => listen.bytesIn,
    server: ({ server }) => server.bytesIn,
  }),
  column("bout", "MCP:u64", "bytes to clients", {
    frontend: ({ listen }) => listen.bytesOut,
    backend: ({ listen }) => listen.bytesOut,
    server: ({ server }) => server.bytesOut,
  }),
  column("dreq", "MCP:u64", "requests denied by a rule", { frontend: 0, backend: 0 }),
  column("dresp", "MCP:u64", "responses denied by a rule", { frontend: 0, backend: 0, server: 0 }),
  column("ereq", "MCP:u64", "requests that made no sense", { frontend: 0 }),
  column("econ", "MCP:u64", "sessions that reached no server", {
    backend: ({ listen }) => listen.errors.connect,
    server: ({ server }) => server.errors.connect,
  }),
  column("eresp", "MCP:u64", "responses that made no sense", { backend: 0, server: 0 }),
  column("wretr", "MCP:u64", "further attempts to connect to the same server", {
    backend: ({ listen }) => listen.errors.retries,
    server: ({ server }) => server.errors.retries,
  }),
  column("wredis", "MCP:u64", "attempts that went on to another server from here", {
    backend: ({ listen }) => listen.errors.redispatches,
    server: ({ server }) => server.errors.redispatches,
  }),
  column("status", "SGP:str", "how it stands", {
    frontend: ({ listen }) => (listen.status === "STOP" || listen.status === "PAUSED" ? listen.status : "OPEN"),
    // A listen that never had a server is not one that lost them.
    backend: ({ listen }) => (listen.available || listen.servers.length === 0 ? "UP" : "DOWN"),
    server: ({ server }) => haproxysStatus(server),
  }),
  column("weight", "MaP:u32", "weight in force: of a backend, the sum of those that take part", {
    backend: weightInForce,
    server: ({ server: { weight, throttlePercent } }) =>
      throttlePercent === null ? weight.configured : Math.ceil((weight.configured * throttlePercent) / 100),
  }),
  column(
    "act",
    "SGP:u32",
    "whether it is an active server, or how many usable ones there are",
    { backend: ({ listen }) => listen.usable.active, server: ({ server }) => (server.backup ? 0 : 1) },
    "MGP:u32",
  ),
  column(
    "bck",
    "SGP:u32",
    "whether it is a backup, or how many usable ones there are",
    { backend: ({ listen }) => listen.usable.backup, server: ({ server }) => (server.backup ? 1 : 0) },
    "MGP:u32",
  ),
  column("chkfail", "MCP:u64", "checks that failed while there was health to lose", {
    server: ({ server }) => server.check?.failures ?? null,
  }),
  column("chkdown", "MCP:u64", "times it went down", {
    backend: ({ listen }) => listen.downs,
    server: ifChecked(({ server }) => server.downs),
  }),
  column("lastchg", "MAP:u32", "seconds since it last went up or down", {
    backend: ({ listen }) => seconds(listen.inStateMs),
    server: ({ server }) => seconds(server.inStateMs),
  }),
  column("downtime", "MCP:u32", "seconds without service in all", {
    backend: ({ listen }) => seconds(listen.downtimeMs),
    server: ifChecked(({ server }) => seconds(server.downtimeMs)),
  }),
  column("qlimit", "CGS:u32", "most that may wait for this server"),
  column("pid", "KGP:u32", "number of the worker process", { frontend: 1, backend: 1, server: 1 }),
  column("iid", "KGS:u32", "number of the listen", { frontend: iid, backend: iid, server: iid }),
  column("sid", "KGS:u32", "number of the server in its listen", { frontend: 0, backend: 0, server: ({ sid }) => sid }),
  column("throttle", "MaP:u32", "percent of its weight that slow start has reached", {
    server: ({ server }) => server.throttlePercent,
  }),
  column("lbtot", "MCP:u64", "times the balancer chose it", {
    backend: (row) => total(row, ({ selected }) => selected),
    server: ({ server }) => server.selected,
  }),
  column("tracked", "CNS:str", "server whose state it follows"),
  column("type", "CGS:u32", "0: frontend, 1: backend, 2: server", { frontend: 0, backend: 1, server: 2 }),
  column(
    "rate",
    "MRP:u32",
    "sessions in the last second",
    {
      frontend: ({ listen }) => listen.rate.now,
      backend: ({ listen }) => listen.rate.now,
      server: ({ server }) => server.rate.now,
    },
    "MGP:u32",
  ),
  column("rate_lim", "CLP:u32", "most sessions allowed in a second", { frontend: 0 }),
  column(
    "rate_max",
    "MMP:u32",
    "most sessions in any second",
    {
      frontend: ({ listen }) => listen.rate.max,
      backend: ({ listen }) => listen.rate.max,
      server: ({ server }) => server.rate.max,
    },
    "MGP:u32",
  ),
];

/** HAProxy says DRAIN of what an operator drains; of a server without weight it says what checks say. */
function haproxysStatus({ status, admin, leavingForMs, check }: ServerSnapshot): string {
  if (!status.startsWith("DRAIN") || admin !== "ready" || leavingForMs !== null) return status;
  return check === null ? "no check" : status.replace("DRAIN", "UP");
}
