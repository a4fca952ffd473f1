import type { BackendRow, ServerRow } from "../rows.ts";
import { type Column, column, total, weightInForce } from "./column.ts";

const maxima = (of: "queueMs" | "connectMs" | "totalMs") => ({
  backend: ({ listen }: BackendRow) => listen.longest[of],
  server: ({ server }: ServerRow) => server.longest[of],
});
const mode = ({ listen }: { listen: { mode: string } }) => listen.mode;
const sessionsNow = ({ server }: ServerRow) => server.sessions.current;

/** Columns 75 to 102: connections, longest times, what HAProxy's connection pools and caches would have. */
export const CONNECTIONS: readonly Column[] = [
  column("mode", "CGS:str", "what is balanced", { frontend: mode, backend: mode, server: mode }),
  column("algo", "CGS:str", "how a server is chosen", { backend: ({ listen }) => listen.balance }),
  column("conn_rate", "MRP:u32", "connections in the last second", { frontend: ({ listen }) => listen.rate.now }),
  column("conn_rate_max", "MMP:u32", "most connections in any second", { frontend: ({ listen }) => listen.rate.max }),
  column("conn_tot", "MCP:u64", "connections so far", { frontend: ({ listen }) => listen.sessions.total }),
  column("intercepted", "MCP:u64", "HTTP requests answered by the proxy itself"),
  column("dcon", "MCP:u64", "connections denied by a rule", { frontend: 0 }),
  column("dses", "MCP:u64", "sessions denied by a rule", { frontend: 0 }),
  column("wrew", "MCP:u64", "headers that could not be rewritten", { frontend: 0, backend: 0, server: 0 }),
  column("connect", "MCP:u64", "attempts to connect", {
    backend: (row) => total(row, ({ connects }) => connects),
    server: ({ server }) => server.connects,
  }),
  column("reuse", "MCP:u64", "connections used once more", { backend: 0, server: 0 }),
  column("cache_lookups", "MCP:u64", "questions to the cache"),
  column("cache_hits", "MCP:u64", "answers from the cache"),
  column("srv_icur", "MGP:u32", "idle connections", { server: 0 }),
  column("src_ilim", "CLP:u32", "most idle connections"),
  column("qtime_max", "MMP:u32", "milliseconds in the queue at most", maxima("queueMs")),
  column("ctime_max", "MMP:u32", "milliseconds to connect at most", maxima("connectMs")),
  column("rtime_max", "MMP:u32", "milliseconds to a response at most: TCP has none", { backend: 0, server: 0 }),
  column("ttime_max", "MMP:u32", "milliseconds that a session took at most", maxima("totalMs")),
  column("eint", "MCP:u64", "errors of the proxy's own making", { frontend: 0, backend: 0, server: 0 }),
  column("idle_conn_cur", "MGP:u32", "idle connections that are not safe to use once more", { server: 0 }),
  column("safe_conn_cur", "MGP:u32", "idle connections that are", { server: 0 }),
  column("used_conn_cur", "MGP:u32", "connections in use", { server: sessionsNow }),
  column("need_conn_est", "MGP:u32", "connections needed at a time", { server: sessionsNow }),
  column("uweight", "MaP:u32", "weight as it was set", {
    backend: weightInForce,
    server: ({ server }) => server.weight.configured,
  }),
  // HAProxy 2.6 fills these for Prometheus alone.
  column("agg_server_status", "MGP:u32", "servers by status", { backend: 0 }),
  column("agg_server_check_status", "MGP:u32", "servers by what their checks found", { backend: 0 }),
  column("agg_check_status", "MGP:u32", "servers by what their checks found", { backend: 0 }),
];
