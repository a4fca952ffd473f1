import { existsSync } from "node:fs";

/** Debian's package for each real program that tests run against. The one table of what the suite needs. */
export const PACKAGES = {
  aiosmtpd: "python3-aiosmtpd",
  ansible: "ansible",
  check_haproxy_stats: "monitoring-plugins-contrib",
  chromium: "chromium",
  curl: "curl",
  dash: "dash",
  "dbus-daemon": "dbus",
  "firewall-offline-cmd": "firewalld",
  firewalld: "firewalld",
  halog: "haproxy",
  haproxy: "haproxy",
  hatop: "hatop",
  ip: "iproute2",
  iptables: "iptables",
  iperf3: "iperf3",
  jq: "jq",
  keepalived: "keepalived",
  killall: "psmisc",
  lnav: "lnav",
  logrotate: "logrotate",
  mandoc: "mandoc",
  "monitoring-plugin-perl": "libmonitoring-plugin-perl",
  mtail: "mtail",
  "munin-haproxy": "munin-plugins-extra",
  nc: "netcat-openbsd",
  nft: "nftables",
  "netdata-haproxy": "netdata-plugins-python",
  nginx: "nginx-light",
  openssl: "openssl",
  "perl-gettext": "liblocale-gettext-perl",
  "perl-lwp": "libwww-perl",
  pgrep: "procps",
  prometheus: "prometheus",
  "prometheus-haproxy-exporter": "prometheus-haproxy-exporter",
  promtool: "prometheus",
  pyte: "python3-pyte",
  python3: "python3",
  rpm: "rpm",
  rpmbuild: "rpm",
  rpmlint: "rpmlint",
  rsyslogd: "rsyslog",
  script: "bsdutils",
  setcap: "libcap2-bin",
  shellcheck: "shellcheck",
  socat: "socat",
  ss: "iproute2",
  strace: "strace",
  sudo: "sudo",
  "systemd-analyze": "systemd",
  tcpdump: "tcpdump",
  visudo: "sudo",
  wrk: "wrk",
  zabbix_agent2: "zabbix-agent2",
} as const;

/** A program of the table. */
export type ToolName = keyof typeof PACKAGES;

/** What is no program on anybody's PATH: the file that stands for it. */
const FILES: Partial<Record<ToolName, string>> = {
  check_haproxy_stats: "/usr/lib/nagios/plugins/check_haproxy_stats",
  "monitoring-plugin-perl": "/usr/share/perl5/Monitoring/Plugin.pm",
  "munin-haproxy": "/usr/share/munin/plugins/haproxy_ng",
  "netdata-haproxy": "/usr/lib/netdata/plugins.d/python.d.plugin",
  "perl-gettext": "/var/lib/dpkg/info/liblocale-gettext-perl.list",
  "perl-lwp": "/usr/share/perl5/LWP.pm",
  pyte: "/usr/lib/python3/dist-packages/pyte/__init__.py",
};

/** Daemons live in sbin, which is not on everybody's PATH. */
const SEARCH_PATH = `${process.env.PATH ?? ""}:/usr/local/sbin:/usr/sbin:/sbin`;

/** Absolute path of a program, or null when this machine does not have it. */
export function findTool(name: ToolName): string | null {
  const file = FILES[name];
  if (file !== undefined) return existsSync(file) ? file : null;
  return Bun.which(name, { PATH: SEARCH_PATH });
}

/** Programs of the table that this machine does not have. */
export function missingTools(): ToolName[] {
  return (Object.keys(PACKAGES) as ToolName[]).filter((name) => findTool(name) === null);
}
