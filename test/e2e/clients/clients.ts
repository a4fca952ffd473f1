import type { ToolName } from "../../support/packages.ts";
import type { Target } from "./stand.ts";

/** What a client may use besides its target. */
export interface Place {
  /** An empty directory. */
  readonly dir: string;
  /** A free port. */
  readonly port: number;
}

/** A client of HAProxy's, as people run it. */
export interface Client {
  /** Also the file of expected-2.6.12/ that has its output, without ".txt". */
  readonly name: string;
  readonly tools: readonly ToolName[];
  /** For bash. */
  command(target: Target, place: Place): string;
  /** Lines that differ, each for the reason beside it. */
  readonly except?: RegExp;
  /** Why what it prints here is not what the kit's command printed. */
  readonly unlikeKit?: string;
  /** Its output has no order: words or lines of a hash table. */
  readonly unordered?: "lines" | "words";
}

const MUNIN = "MUNIN_LIBDIR=/usr/share/munin";
const MUNIN_PLUGINS = "/usr/share/munin/plugins";
const NAGIOS = "/usr/lib/nagios/plugins";
const NETDATA = "/usr/lib/netdata/plugins.d/python.d.plugin";

/** Repeats a command until its output has a text, for ten seconds at most; prints that output. */
const untilSaid = (text: string, command: string): string =>
  `for i in $(seq 100); do o=$(${command} 2>&1); case "$o" in *'${text}'*) break;; esac; sleep 0.1; done; echo "$o"`;

const socat = ({ socket }: Target): string => `socat - UNIX-CONNECT:${socket}`;

/** The external exporter, scraped once. */
const exporter = (uri: string, port: number): string =>
  [
    `prometheus-haproxy-exporter --haproxy.scrape-uri='${uri}' --web.listen-address=127.0.0.1:${port} 2>/dev/null & p=$!`,
    untilSaid("haproxy_up 1", `curl -s http://127.0.0.1:${port}/metrics`).replace(
      'echo "$o"',
      'echo "$o" | grep ^haproxy_',
    ),
    "kill $p",
  ].join("; ");

/** Every client of the kit that tells what it found; those that act or draw are tests of their own. */
export const CLIENTS: readonly Client[] = [
  { name: "socat_info", tools: ["socat"], command: (target) => `echo 'show info' | ${socat(target)}` },
  {
    name: "socat_multi",
    tools: ["socat"],
    command: (target) => `echo 'show backend;show servers state be_tcp' | ${socat(target)}`,
  },
  {
    name: "socat_errors",
    tools: ["socat"],
    command: (target) =>
      [
        "set server be_tcp/nope state drain",
        "set server nope/srv1 state drain",
        "set server be_tcp/srv1 state x",
        "bogus cmd",
      ]
        .map((command) => `echo '${command}' | ${socat(target)} | head -1`)
        .join("; "),
    // The kit has the first of the commands that there are.
    except: /^\s+\S/,
  },
  { name: "nc", tools: ["nc"], command: ({ socket }) => `echo 'show stat' | nc -U -N ${socket}` },
  {
    name: "jq",
    tools: ["socat", "jq"],
    command: (target) =>
      `echo 'show stat json' | ${socat(target)} | jq -c '[.[]|map({(.field.name):.value.value})|add|[.pxname,.svname,.status]][0:6]'`,
  },
  {
    name: "jq_rows",
    tools: ["socat", "jq"],
    command: (target) =>
      `echo 'show stat json' | ${socat(target)} | jq -c '.[]|map({(.field.name):.value.value})|add|[.pxname,.svname,.status]'`,
  },
  {
    name: "jq_types",
    tools: ["socat", "jq"],
    command: (target) =>
      `echo 'show stat json' | ${socat(target)} | jq -c '.[]|select(.[0].value.value|test("^(stats2?|prom)$")|not)|.[]|[.objType,.field.pos,.field.name,.tags,.value.type]'`,
  },
  {
    name: "exporter_unix",
    tools: ["prometheus-haproxy-exporter", "curl"],
    command: ({ socket }, { port }) => exporter(`unix:${socket}`, port),
  },
  {
    name: "exporter_http",
    tools: ["prometheus-haproxy-exporter", "curl"],
    command: ({ url }, { port }) => exporter(`${url};csv`, port),
  },
  {
    name: "promtool",
    tools: ["promtool", "curl"],
    command: ({ metrics }) => `curl -s ${metrics} | promtool check metrics`,
    // promtool dislikes the name of one of HAProxy's metrics, and says so in its exit status too; ours it finds no fault with.
    except: /failed_resolutions|^rc=/,
  },
  {
    name: "prometheus",
    tools: ["prometheus", "promtool"],
    command: ({ metrics }, { dir, port }) =>
      [
        `printf 'global: {scrape_interval: 1s}\\nscrape_configs:\\n - job_name: hap\\n   metrics_path: /metrics\\n   static_configs: [{targets: ["${new URL(metrics).host}"]}]\\n' > ${dir}/p.yml`,
        `prometheus --config.file=${dir}/p.yml --storage.tsdb.path=${dir}/d --web.listen-address=127.0.0.1:${port} >/dev/null 2>&1 & p=$!`,
        untilSaid("=> 1", `promtool query instant http://127.0.0.1:${port} up`),
        `promtool query instant http://127.0.0.1:${port} 'haproxy_server_status{state="DOWN"} == 1'`,
        "kill $p; wait $p",
      ].join("; "),
  },
  {
    name: "munin_ng_config",
    tools: ["munin-haproxy", "perl-lwp"],
    command: ({ url }) =>
      `${MUNIN} MUNIN_CAP_MULTIGRAPH=1 url='${url};csv;norefresh' perl ${MUNIN_PLUGINS}/haproxy_ng config`,
  },
  {
    name: "munin_ng",
    tools: ["munin-haproxy", "perl-lwp"],
    command: ({ url }) => `${MUNIN} MUNIN_CAP_MULTIGRAPH=1 url='${url};csv;norefresh' perl ${MUNIN_PLUGINS}/haproxy_ng`,
  },
  {
    name: "munin_",
    tools: ["munin-haproxy", "perl-lwp"],
    command: ({ url }) => `${MUNIN} url='${url};csv;norefresh' perl ${MUNIN_PLUGINS}/haproxy_`,
    unordered: "lines",
  },
  {
    name: "check_haproxy_stats",
    tools: ["check_haproxy_stats"],
    command: ({ socket }) => `${NAGIOS}/check_haproxy_stats -s ${socket} -p be_tcp -w 50 -c 80`,
  },
  {
    name: "check_haproxy_stats_all",
    tools: ["check_haproxy_stats"],
    command: ({ socket }) => `${NAGIOS}/check_haproxy_stats -s ${socket}`,
  },
  {
    name: "check_haproxy_stats_http",
    tools: ["check_haproxy_stats", "perl-lwp"],
    command: ({ authUrl }) => `${NAGIOS}/check_haproxy_stats -U '${authUrl};csv' -u admin -x secret -p be_tcp`,
    unlikeKit: "a backend alone has no row FRONTEND",
  },
  {
    name: "check_haproxy",
    tools: ["check_haproxy_stats", "monitoring-plugin-perl", "perl-gettext", "perl-lwp"],
    command: ({ authUrl }) => `${NAGIOS}/check_haproxy -u '${authUrl};csv' -U admin -P secret`,
    unordered: "words",
  },
  {
    name: "netdata",
    tools: ["netdata-haproxy"],
    command: ({ socket }, { dir }) =>
      [
        `mkdir -p ${dir}/nd/python.d ${dir}/nd/lock ${dir}/nd/lib`,
        `printf 'default_run: no\\nhaproxy: yes\\n' > ${dir}/nd/python.d.conf`,
        `printf "s:\\n  name: 'local'\\n  socket: '${socket}'\\n" > ${dir}/nd/python.d/haproxy.conf`,
        `export NETDATA_USER_CONFIG_DIR=${dir}/nd NETDATA_STOCK_CONFIG_DIR=/usr/lib/netdata/conf.d NETDATA_PLUGINS_DIR=/usr/lib/netdata/plugins.d NETDATA_LIB_DIR=${dir}/nd/lib NETDATA_LOCK_DIR=${dir}/nd/lock`,
        // It reports for ever: once each second, the charts first.
        `timeout 5 ${NETDATA} haproxy debug trace 1 2>/dev/null | grep -E '^(CHART|SET)' | awk '!seen[$1 $2]++'`,
      ].join("; "),
  },
  {
    name: "zabbix",
    unlikeKit: "headers are left to curl; the kit's page told no addresses and algorithms",
    tools: ["zabbix_agent2"],
    command: ({ url, httpPort, port }) =>
      `zabbix_agent2 -t 'web.page.get[127.0.0.1,"${new URL(url).pathname};csv",${httpPort}]' | grep -E '^[a-z]+_[a-z]+,' | sed 's/]$//'; zabbix_agent2 -t 'net.tcp.service[tcp,127.0.0.1,${port}]'`,
  },
  {
    name: "http",
    unlikeKit: "pages differ; the kit's page told no addresses and algorithms",
    tools: ["curl"],
    command: ({ url, authUrl }) =>
      [
        `curl -so /dev/null -w '%{http_code} %{content_type}\\n' ${url}`,
        `curl -so /dev/null -w '%{http_code} %{content_type}\\n' '${url};json'`,
        `curl -so /dev/null -w '%{http_code}\\n' ${authUrl}`,
        `curl -so /dev/null -w '%{http_code}\\n' -u admin:secret ${authUrl}`,
        `curl -so /dev/null -w '%{http_code}\\n' -u admin:wrong ${authUrl}`,
        `curl -s '${url};json' | head -c 200; echo`,
        `curl -si '${url};csv;norefresh' | tr -d '\\r' | grep -E -i '^(HTTP|cache-control|content-type|refresh|#|[a-z]+_[a-z]+,)'`,
        `curl -si '${url};csv' | tr -d '\\r' | grep -i '^refresh'`,
      ].join("; "),
  },
];
