import { type Column, column } from "./column.ts";

const NONE = { frontend: 0, backend: 0 };

/**
 * Columns behind "-": those of HAProxy's modules for TLS, HTTP/2 and HTTP/1 as a Debian build has them. Nothing here
 * speaks any of these, and HAProxy in TCP mode has 0 for them, too.
 */
export const MODULES: readonly Column[] = [
  column("ssl_sess", "MCP:u64", "TLS sessions", { ...NONE, server: 0 }),
  column("ssl_reused_sess", "MCP:u64", "TLS sessions taken up again", { ...NONE, server: 0 }),
  column("ssl_failed_handshake", "MCP:u64", "TLS handshakes that failed", { ...NONE, server: 0 }),
  column("h2_headers_rcvd", "MCP:u64", "HTTP/2 HEADERS frames received", NONE),
  column("h2_data_rcvd", "MCP:u64", "HTTP/2 DATA frames received", NONE),
  column("h2_settings_rcvd", "MCP:u64", "HTTP/2 SETTINGS frames received", NONE),
  column("h2_rst_stream_rcvd", "MCP:u64", "HTTP/2 RST_STREAM frames received", NONE),
  column("h2_goaway_rcvd", "MCP:u64", "HTTP/2 GOAWAY frames received", NONE),
  column("h2_detected_conn_protocol_errors", "MCP:u64", "protocol errors on HTTP/2 connections", NONE),
  column("h2_detected_strm_protocol_errors", "MCP:u64", "protocol errors on HTTP/2 streams", NONE),
  column("h2_rst_stream_resp", "MCP:u64", "HTTP/2 RST_STREAM frames sent", NONE),
  column("h2_goaway_resp", "MCP:u64", "HTTP/2 GOAWAY frames sent", NONE),
  column("h2_open_connections", "MGP:u64", "HTTP/2 connections now", NONE),
  column("h2_backend_open_streams", "MGP:u64", "HTTP/2 streams now", NONE),
  column("h2_total_connections", "MCP:u64", "HTTP/2 connections so far", NONE),
  column("h2_backend_total_streams", "MCP:u64", "HTTP/2 streams so far", NONE),
  column("h1_open_connections", "MGP:u64", "HTTP/1 connections now", NONE),
  column("h1_open_streams", "MGP:u64", "HTTP/1 streams now", NONE),
  column("h1_total_connections", "MCP:u64", "HTTP/1 connections so far", NONE),
  column("h1_total_streams", "MCP:u64", "HTTP/1 streams so far", NONE),
  column("h1_bytes_in", "MCP:u64", "bytes received as HTTP/1", NONE),
  column("h1_bytes_out", "MCP:u64", "bytes sent as HTTP/1", NONE),
  column("h1_spliced_bytes_in", "MCP:u64", "bytes received as HTTP/1 without a copy", NONE),
  column("h1_spliced_bytes_out", "MCP:u64", "bytes sent as HTTP/1 without a copy", NONE),
];
