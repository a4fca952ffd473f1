import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { serve } from "../../support/echo.ts";
import { startProxy } from "../../support/instance.ts";
import { freePorts } from "../../support/ports.ts";
import { run, start } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { tool } from "../../support/tools.ts";
import { until } from "../../support/until.ts";

const haproxy = tool("haproxy");
const promtool = tool("promtool");

/** What HAProxy has metrics of and we have not, and why not: the README has the same in words. */
const LEFT_OUT: readonly RegExp[] = [
  /_http_|_intercepted_|_cache_/, // HTTP
  /_ssl_|_zlib_|_limit_http_comp$/, // TLS, compression
  /_pipes_|_max_pipes$|_spliced_/, // splicing
  /_pool_|_max_memory_bytes$/, // memory pools
  /_active_peers$|_connected_peers$|_recv_logs_/, // peers, log forwarding
  /_current_tasks$|_current_run_queue$|_unstoppable_jobs$|_busy_polling_/, // its scheduler
  /_limit_(connection|session)_rate$|_queue_limit$/, // limits that there are none of
  /_denied_|_request_errors_|_response_errors_|_internal_errors_|_failed_header_rewriting_/, // rules and HTTP's errors
  /_connection_reuses_|idle_connections_/, // HTTP's connections that are used again
  /_response_time_/, // always 0 over TCP
  /^haproxy_process_failed_resolutions$/, // a counter whose name promtool objects to; log and status name the server
];

/** The types of all families, and of those with lines about a proxy the sets of labels. */
function read(text: string, proxy: string): { types: Map<string, string>; series: string[] } {
  const types = new Map(
    Array.from(text.matchAll(/^# TYPE (\S+) (\S+)$/gm), ([, name = "", type = ""]) => [name, type]),
  );
  const series = Array.from(text.matchAll(/^([a-z_]+\{[^}]*\}) /gm), ([, one = ""]) => one);
  return { types, series: series.filter((one) => one.includes(`{proxy="${proxy}"`)).toSorted() };
}

async function scrape(port: number, query = ""): Promise<string> {
  return await (await fetch(`http://127.0.0.1:${port}/metrics${query}`)).text();
}

describe("the metrics", () => {
  test.skipIf(haproxy === null)(
    "are HAProxy's by name, type and labels, for the same configuration side by side",
    async () => {
      const echo = await serve({ kind: "echo" });
      const [ours, his, ourStats, hisStats, dead] = freePorts(5);
      const dir = tmpDir();
      writeFileSync(
        join(dir, "haproxy.cfg"),
        `defaults
  mode tcp
  timeout connect 1s
  timeout client 10s
  timeout server 10s
listen web
  bind 127.0.0.1:${his}
  maxconn 500
  server s1 127.0.0.1:${echo.port} check inter 100ms weight 100 maxconn 50
  server s2 127.0.0.1:${dead} check inter 100ms
  server s3 127.0.0.1:${echo.port}
  server s4 127.0.0.1:${echo.port} check inter 100ms backup
  server s5 127.0.0.1:${echo.port} check disabled
frontend prom
  mode http
  bind 127.0.0.1:${hisStats}
  http-request use-service prometheus-exporter
`,
      );
      const server = (name: string, port: number, rest: string) =>
        `[[listen.web.server]]\nname = "${name}"\naddress = "127.0.0.1:${port}"\n${rest}\n`;
      await startProxy(`[defaults.timeout]
connect = "1s"
client = "10s"
server = "10s"
[listen.web]
bind = "127.0.0.1:${ours}"
maxconn = 500
[listen.web.check]
interval = "100ms"
timeout = "10s"
${server("s1", echo.port, "weight = 100\nmaxconn = 50")}
${server("s2", dead as number, "")}
${server("s3", echo.port, "check = false")}
${server("s4", echo.port, "backup = true")}
${server("s5", echo.port, "disabled = true")}
[stats]
bind = "127.0.0.1:${ourStats}"
`);
      start([haproxy ?? "", "-db", "-f", join(dir, "haproxy.cfg")]);
      const settled = [
        'haproxy_server_status{proxy="web",server="s2",state="DOWN"} 1',
        'haproxy_server_check_duration_seconds{proxy="web",server="s4"}',
      ];
      const [real, mine] = await Promise.all(
        [hisStats, ourStats].map((port) =>
          until("all checks", async () => {
            const text = await scrape(port as number);
            return settled.every((line) => text.includes(line)) ? text : null;
          }),
        ),
      );
      const theirs = read(real as string, "web");
      const lite = read(mine as string, "web");
      const isLeftOut = (name: string) => LEFT_OUT.some((pattern) => pattern.test(name));
      const expected = [...theirs.types].filter(([name]) => !isLeftOut(name)).toSorted();
      expect([...lite.types].filter(([name]) => !name.startsWith("haproxy_lite_")).toSorted()).toEqual(expected);
      const nameOf = (series: string) => series.replace(/\{.*/, "");
      expect(lite.series.filter((one) => !one.startsWith("haproxy_lite_"))).toEqual(
        theirs.series.filter((one) => !isLeftOut(nameOf(one))),
      );
      // Every reason to leave something out is about something.
      for (const pattern of LEFT_OUT) expect([...theirs.types.keys()].some((name) => pattern.test(name))).toBeTrue();
    },
  );

  test.skipIf(promtool === null)("are found good by promtool, and parts of them as well", async () => {
    const [port, stats] = freePorts(2);
    await startProxy(`[defaults.timeout]
connect = "1s"
client = "10s"
server = "10s"
[listen.web]
bind = "127.0.0.1:${port}"
[listen.web.check]
interval = "1s"
[[listen.web.server]]
name = "s1"
address = "127.0.0.1:${port}"
[stats]
bind = "127.0.0.1:${stats}"
`);
    for (const query of ["", "?scope=server", "?scope=global&scope=backend", "?no-maint"]) {
      const said = await run([promtool ?? "", "check", "metrics"], { stdin: await scrape(stats as number, query) });
      expect({ query, code: said.code, said: said.stdout + said.stderr }).toEqual({ query, code: 0, said: "" });
    }
    expect((await fetch(`http://127.0.0.1:${stats}/metrics?scope=nothing`)).status).toBe(400);
  });
});
