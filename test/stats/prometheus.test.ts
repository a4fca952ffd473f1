import { describe, expect, test } from "bun:test";
import { ListenCounter } from "../../src/pool/layout.ts";
import { type MetricsFilter, metricsChunks, metricsScopes } from "../../src/stats/prometheus.ts";
import { takeSnapshot } from "../../src/stats/takeSnapshot.ts";
import { add, LI_DB, type Stand, standOf } from "./stand.ts";
import { counted, instanceWith, vrrpWith } from "./vrrpCases.ts";

const ALL: MetricsFilter = {
  scopes: new Set(["global", "frontend", "backend", "server"]),
  noMaintenance: false,
  hideVersion: false,
};

/** The lines that are not comments, of the families that begin so. */
function lines(text: string, start = ""): string[] {
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#") && line.startsWith(start));
}

function metricsOf({ view }: Stand, filter: Partial<MetricsFilter> = {}, answers = new Map<number, number>()): string {
  return Buffer.concat([...metricsChunks(takeSnapshot(view), { ...ALL, ...filter }, answers)]).toString();
}

describe("metrics", () => {
  test("have HELP and TYPE once before all lines of a name, and counters are those that end with _total", () => {
    const text = metricsOf(standOf(LI_DB));
    let name = "";
    const seen = new Set<string>();
    for (const line of text.trimEnd().split("\n")) {
      const [, help] = /^# HELP (\S+) \S/.exec(line) ?? [];
      if (help !== undefined) {
        expect(seen).not.toContain(help);
        seen.add(help);
        name = help;
      } else if (line.startsWith("#")) {
        expect(line).toBe(`# TYPE ${name} ${name.endsWith("_total") ? "counter" : "gauge"}`);
      } else {
        expect(line).toMatch(/^[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? (NaN|-?\d+(\.\d+)?)$/);
        expect(line.startsWith(`${name}{`) || line.startsWith(`${name} `)).toBeTrue();
      }
    }
    expect(seen.size).toBeGreaterThan(90);
    expect(text).toEndWith("\n");
  });

  test("tell of the process, of a listen from both sides, and of each server", () => {
    const stand = standOf(LI_DB);
    const [pool] = stand.pools;
    if (pool === undefined) throw new Error("there is no pool");
    add(pool, 0, ListenCounter.connections, 3);
    add(pool, 1, ListenCounter.connections, 4);
    add(pool, 1, ListenCounter.bytesIn, 1234);
    const text = metricsOf(stand);
    for (const line of [
      "haproxy_process_nbthread 2",
      'haproxy_frontend_connections_total{proxy="li_db"} 7',
      'haproxy_frontend_bytes_in_total{proxy="li_db"} 1234',
      'haproxy_frontend_status{proxy="li_db",state="DOWN"} 0',
      'haproxy_frontend_status{proxy="li_db",state="UP"} 1',
      'haproxy_backend_sessions_total{proxy="li_db"} 7',
      'haproxy_backend_status{proxy="li_db",state="UP"} 1',
      'haproxy_server_status{proxy="li_db",server="db1",state="UP"} 1',
      'haproxy_server_limit_sessions{proxy="li_db",server="db1"} NaN',
      'haproxy_server_check_status{proxy="li_db",server="db1",state="L4OK"} 1',
      'haproxy_server_check_status{proxy="li_db",server="db1",state="L4TOUT"} 0',
      'haproxy_server_check_failures_total{proxy="li_db",server="db4"} NaN',
    ])
      expect(text).toContain(`\n${line}\n`);
    // Who is not checked has no result.
    expect(lines(text, 'haproxy_server_check_status{proxy="li_db",server="db4"')).toEqual([]);
  });

  test("say of each server which one state it is in, and of the listen how many are in each", () => {
    const stand = standOf(LI_DB);
    stand.pools[0]?.setUp(0, false);
    const text = metricsOf(stand);
    const states = (server: string) =>
      lines(text, `haproxy_server_status{proxy="li_db",server="${server}"`)
        .filter((line) => line.endsWith(" 1"))
        .map((line) => /state="(\w+)"/.exec(line)?.[1]);
    expect(states("db1")).toEqual(["DOWN"]);
    expect(states("db2")).toEqual(["UP"]);
    expect(states("db3")).toEqual(["MAINT"]);
    expect(lines(text, "haproxy_backend_agg_server_status")).toEqual([
      'haproxy_backend_agg_server_status{proxy="li_db",state="DOWN"} 1',
      'haproxy_backend_agg_server_status{proxy="li_db",state="UP"} 2',
      'haproxy_backend_agg_server_status{proxy="li_db",state="MAINT"} 1',
      'haproxy_backend_agg_server_status{proxy="li_db",state="DRAIN"} 0',
      'haproxy_backend_agg_server_status{proxy="li_db",state="NOLB"} 0',
    ]);
  });

  test("of virtual routers, refused adverts and answers are ours", () => {
    const stand = standOf(LI_DB);
    const instance = instanceWith({ counters: counted({ advertsSent: 12 }), rejected: { 'bad "auth"': 3 } });
    const view = { ...stand.view, vrrp: { snapshot: vrrpWith(instance), receivedMs: stand.clock.nowMs() } };
    const text = metricsOf({ ...stand, view }, {}, new Map([[200, 5]]));
    for (const line of [
      'haproxy_lite_vrrp_state{instance="VI_1",interface="eth0",vrid="51",state="MASTER"} 1',
      'haproxy_lite_vrrp_state{instance="VI_1",interface="eth0",vrid="51",state="FAULT"} 0',
      'haproxy_lite_vrrp_priority{instance="VI_1",interface="eth0",vrid="51"} 101',
      'haproxy_lite_vrrp_adverts_sent_total{instance="VI_1",interface="eth0",vrid="51"} 12',
      'haproxy_lite_vrrp_rejected_total{instance="VI_1",interface="eth0",vrid="51",reason="bad \\"auth\\""} 3',
      'haproxy_lite_http_responses_total{code="200"} 5',
    ])
      expect(text).toContain(`\n${line}\n`);
    expect(text).not.toContain("peer_priority");
  });

  test("can be had of a part, without servers in maintenance, and without a version", () => {
    const stand = standOf(LI_DB);
    const server = metricsOf(stand, { scopes: new Set(["server"]), noMaintenance: true });
    expect(lines(server).every((line) => /^haproxy(_lite)?_server_/.test(line))).toBeTrue();
    expect(server).not.toContain("db3");
    expect(metricsOf(stand)).toContain('haproxy_process_build_info{version="2.6.0-haproxy-lite-0.1.0"} 1');
    expect(metricsOf(stand, { hideVersion: true })).not.toContain("0.1.0");
  });

  test.each<[string[], string[] | null]>([
    [[], ["global", "frontend", "backend", "server"]],
    [["*"], ["global", "frontend", "backend", "server"]],
    [
      ["server", "global"],
      ["global", "server"],
    ],
    [["listener", "sticktable"], []],
    [[""], []],
    [["servers"], null],
  ])("of the scopes %j are those of %j", (names, expected) => {
    expect(metricsScopes(names)).toEqual(expected === null ? null : new Set(expected as never[]));
  });
});
