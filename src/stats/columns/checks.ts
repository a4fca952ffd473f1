import type { FieldValue } from "../field.ts";
import type { BackendRow, ServerRow } from "../rows.ts";
import type { CheckSnapshot } from "../snapshot.ts";
import { type Column, column, seconds } from "./column.ts";

/** What checks say is not reported of a server that is not checked now: without checks, or in maintenance. */
const checked = (value: (check: CheckSnapshot) => FieldValue) => ({
  server: ({ server: { check, admin, unresolved } }: ServerRow): FieldValue =>
    check === null || admin === "maint" || unresolved ? null : value(check),
});

const sinceLastSession = (agoMs: number | null) => (agoMs === null ? -1 : seconds(agoMs));
const averages = (of: "queueMs" | "connectMs" | "totalMs") => ({
  backend: ({ listen }: BackendRow) => listen.average[of],
  server: ({ server }: ServerRow) => server.average[of],
});

/** Columns 36 to 74: checks, aborts, times; the agent's and HTTP's are empty. */
export const CHECKS: readonly Column[] = [
  column(
    "check_status",
    "MOP:str",
    "what the last check found; a star before it: the next one is on its way",
    checked(({ last, inProgress }) => `${inProgress ? "* " : ""}${last?.status ?? "INI"}`),
  ),
  column(
    "check_code",
    "MOP:u32",
    "the code that the last check was answered with",
    checked(({ last }) => last?.code ?? null),
  ),
  column(
    "check_duration",
    "MDP:u64",
    "milliseconds that the last check took",
    checked(({ last }) => last?.durationMs ?? null),
  ),
  column("hrsp_1xx", "MCP:u64", "HTTP responses with a code of 1xx"),
  column("hrsp_2xx", "MCP:u64", "HTTP responses with a code of 2xx"),
  column("hrsp_3xx", "MCP:u64", "HTTP responses with a code of 3xx"),
  column("hrsp_4xx", "MCP:u64", "HTTP responses with a code of 4xx"),
  column("hrsp_5xx", "MCP:u64", "HTTP responses with a code of 5xx"),
  column("hrsp_other", "MCP:u64", "HTTP responses with another code"),
  column("hanafail", "MCP:u64", "times that clients' failed connections counted as a failed check", {
    server: ({ server }) => server.check?.observed ?? null,
  }),
  column("req_rate", "MRP:u32", "HTTP requests in the last second", { frontend: 0 }),
  column("req_rate_max", "MMP:u32", "most HTTP requests in any second", { frontend: 0 }),
  column("req_tot", "MCP:u64", "HTTP requests so far", { frontend: 0 }),
  column("cli_abrt", "MCP:u64", "sessions that the client broke off", {
    backend: ({ listen }) => listen.errors.clientAborts,
    server: ({ server }) => server.errors.clientAborts,
  }),
  column("srv_abrt", "MCP:u64", "sessions that the server broke off", {
    backend: ({ listen }) => listen.errors.serverAborts,
    server: ({ server }) => server.errors.serverAborts,
  }),
  column("comp_in", "MCP:u64", "bytes given to the compressor", { frontend: 0, backend: 0 }),
  column("comp_out", "MCP:u64", "bytes that the compressor gave", { frontend: 0, backend: 0 }),
  column("comp_byp", "MCP:u64", "bytes that went around the compressor", { frontend: 0, backend: 0 }),
  column("comp_rsp", "MCP:u64", "responses that were compressed", { frontend: 0, backend: 0 }),
  column("lastsess", "MAP:s32", "seconds since the last session began; -1: there was none", {
    backend: ({ listen }) => sinceLastSession(listen.lastSessionAgoMs),
    server: ({ server }) => sinceLastSession(server.lastSessionAgoMs),
  }),
  column(
    "last_chk",
    "MOP:str",
    "what the server, or the system, said to the last check; nothing while one is on its way",
    checked(({ last, inProgress }) => (inProgress ? "" : (last?.info ?? ""))),
  ),
  column("last_agt", "MOP:str", "what the agent said"),
  column("qtime", "MaP:u32", "milliseconds in the queue, on average", averages("queueMs")),
  column("ctime", "MaP:u32", "milliseconds to connect, on average", averages("connectMs")),
  column("rtime", "MaP:u32", "milliseconds to a response, on average: TCP has none", { backend: 0, server: 0 }),
  column("ttime", "MaP:u32", "milliseconds that a session takes, on average", averages("totalMs")),
  column("agent_status", "MOP:str", "what the last question to the agent came to"),
  column("agent_code", "MOP:u32", "the code that the agent answered with"),
  column("agent_duration", "MDP:u64", "milliseconds that the agent took"),
  column(
    "check_desc",
    "MOP:str",
    "check_status in words",
    checked(({ last }) => last?.description ?? "Initializing"),
  ),
  column("agent_desc", "MOP:str", "agent_status in words"),
  column(
    "check_rise",
    "CGS:u32",
    "checks to pass in a row to be up",
    checked(({ rise }) => rise),
  ),
  column(
    "check_fall",
    "CGS:u32",
    "checks to fail in a row to be down",
    checked(({ fall }) => fall),
  ),
  column(
    "check_health",
    "CGS:u32",
    "0 to rise+fall-1; up from rise on",
    checked(({ health }) => health),
  ),
  column("agent_rise", "CGS:u32", "answers of the agent to be up"),
  column("agent_fall", "CGS:u32", "answers of the agent to be down"),
  column("agent_health", "CGS:u32", "the same count for the agent"),
  column("addr", "CGS:str", "where the server is", { server: ({ server }) => server.address }),
  column("cookie", "CNS:str", "the server's cookie"),
];
