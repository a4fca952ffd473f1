import { PID_FILE, SERVICE } from "../paths.ts";

/** The configuration of a new service: valid, on loopback, with what most will add next as comments (`#` without a blank). */
export function configFile(): string {
  return `# haproxy-lite: every key is described in haproxy-lite.toml(5).
#   haproxy-lite check -c THIS_FILE     names every problem
#   systemctl reload haproxy-lite       (or: service haproxy-lite reload) takes the file in

[global]
maxconn = 4096            # client connections at a time; above it clients wait in the kernel's backlog
user = "${SERVICE}"     # whom the process that carries the traffic becomes
group = "${SERVICE}"
pidfile = "${PID_FILE}"
hard_stop_after = "30s"   # longest wait for connections to end; the service gives up after 60 s

[[log]]
address = "127.0.0.1:514" # rsyslog, which puts it into /var/log/haproxy-lite
facility = "local0"
level = "info"            # info: every connection; notice: state changes only

[admin]
socket = "/run/haproxy-lite/admin.sock"   # what "haproxy-lite status" asks

[defaults.timeout]        # [defaults] holds what every listen inherits
connect = "5s"
client = "1m"
server = "1m"

[listen.tcp_service_a]
bind = "127.0.0.1:14900"  # ":14900" listens on every IPv4 address
balance = "roundrobin"    # static-rr, leastconn, first, source, random
log = "tcplog"

[listen.tcp_service_a.check]
interval = "2s"
rise = 2                  # passes in a row that bring a server up
fall = 3                  # failures in a row that take it down
#send = "PING\\r\\n"        # without send and expect a completed connection is enough
#expect = "PONG"

[[listen.tcp_service_a.server]]
name = "tcp_service_a_01"
address = "127.0.0.1:14901"

[[listen.tcp_service_a.server]]
name = "tcp_service_a_02"
address = "127.0.0.1:14902"

#[stats]
#bind = "127.0.0.1:8404"
#uri = "/haproxy.stats"
#refresh = "30s"

# The virtual address: the same on both hosts, but for the priority.
#[vrrp.instance.VI_1]
#interface = "eth0"
#virtual_router_id = 51
#priority = 101            # 100 on the other host
#virtual_ipaddress = ["192.0.2.100/24"]
#track_listen = [{ name = "tcp_service_a", weight = -20 }]
`;
}
