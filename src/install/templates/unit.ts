import { CONFIG, PROGRAM, SERVICE } from "../paths.ts";

/** Where the unit is to be read. */
export interface UnitOptions {
  /** Version of systemd (219 on RHEL 7, 257 on RHEL 10). */
  systemdVersion: number;
  /** File with `OPTIONS="…"`; may be missing. */
  optionsFile: string;
}

/** First version with `AmbientCapabilities=`. */
const FIRST_WITH_AMBIENT = 229;
/** First version that reads the start limit in `[Unit]`. */
const FIRST_WITH_UNIT_LIMIT = 230;
/** First version with `ProtectSystem=strict` and `ReadWritePaths=`. */
const FIRST_WITH_STRICT = 232;
/** First version with `SystemCallFilter=@system-service` and all that it holds. */
const FIRST_WITH_SERVICE_SET = 235;

/**
 * The systemd unit. What an old systemd does not know it skips with a warning, so only what it would misread depends on the
 * version: systemd 219 takes a filter of sets it has never heard of for an empty one, and kills the service.
 *
 * The supervisor is the service account with three ambient capabilities; on RHEL 7, which has no such thing, it is root with
 * few, and gives the proxy process that account.
 */
export function unit({ systemdVersion, optionsFile }: UnitOptions): string {
  const limit = systemdVersion >= FIRST_WITH_UNIT_LIMIT;
  return `[Unit]
Description=haproxy-lite, a TCP load balancer with its own virtual IP
Documentation=man:haproxy-lite(8) man:haproxy-lite.toml(5)
Wants=network-online.target
After=network-online.target rsyslog.service
${limit ? "StartLimitIntervalSec=60\nStartLimitBurst=10\n" : ""}
[Service]
Type=notify
NotifyAccess=main
EnvironmentFile=-${optionsFile}
ExecStart=${PROGRAM} serve --config ${CONFIG} $OPTIONS
# A file with errors never reaches the running service.
ExecReload=${PROGRAM} check --quiet --config ${CONFIG}
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=1
# A file with errors does not get better by trying again.
RestartPreventExitStatus=78
${limit ? "" : "StartLimitInterval=60\nStartLimitBurst=10\n"}WatchdogSec=10
TimeoutStartSec=60
# Longer than [global] hard_stop_after.
TimeoutStopSec=60
# The supervisor ends its proxy process itself, after the last connection.
KillMode=mixed
LimitNOFILE=524288
UMask=0027
RuntimeDirectory=${SERVICE}
${systemdVersion >= FIRST_WITH_AMBIENT ? asAccount() : asRoot()}
NoNewPrivileges=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET
${systemdVersion >= FIRST_WITH_STRICT ? STRICT : "ProtectSystem=full\n"}# Notify scripts may live there.
ProtectHome=read-only
PrivateDevices=yes
PrivateMounts=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
KeyringMode=private
LockPersonality=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
${systemdVersion >= FIRST_WITH_SERVICE_SET ? FILTER : ""}# Never MemoryDenyWriteExecute=yes, nor LimitAS= below 4G: both turn the JIT compiler off, at a twentieth of the speed.

[Install]
WantedBy=multi-user.target
`;
}

const STRICT = `ProtectSystem=strict
# Sockets, pid files, and what notify scripts write; use_vmac sets arp_ignore, rp_filter and the like on its interfaces.
ReadWritePaths=/run /var -/proc/sys/net
`;

const FILTER = `SystemCallFilter=@system-service
# A call newer than systemd's list must look as if the kernel were old, not forbidden.
SystemCallErrorNumber=ENOSYS
`;

function asAccount(): string {
  return `RuntimeDirectoryMode=0750
User=${SERVICE}
Group=${SERVICE}
# Where the runtime API's socket is when the configuration does not say: /run/${SERVICE}, as for root.
Environment=XDG_RUNTIME_DIR=/run
# The supervisor has these, the proxy process none: virtual addresses; VRRP and ARP; ports below 1024.
AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_NET_BIND_SERVICE`;
}

function asRoot(): string {
  return `# Root's own: the proxy process must not be able to replace sockets and pid file.
RuntimeDirectoryMode=0755
# The supervisor has these, the proxy process none: virtual addresses; VRRP and ARP; ports below 1024; to make the proxy
# process another account, and to signal it.
CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_NET_BIND_SERVICE CAP_SETUID CAP_SETGID CAP_KILL`;
}
