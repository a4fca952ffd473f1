/** Name of the service, of its account and of most files that belong to it. */
export const SERVICE = "haproxy-lite";
/** The program: not in /usr/local/sbin, which Red Hat's sudo does not search. */
export const PROGRAM = "/usr/sbin/haproxy-lite";
/** Directory of the configuration. */
export const CONFIG_DIRECTORY = "/etc/haproxy-lite";
/** The configuration that the service runs on. */
export const CONFIG = `${CONFIG_DIRECTORY}/haproxy-lite.toml`;
/** Made at each start. */
export const RUN_DIRECTORY = "/run/haproxy-lite";
/** Pid file of the configuration that is installed. */
export const PID_FILE = `${RUN_DIRECTORY}/haproxy-lite.pid`;
/** What rsyslog writes. */
export const LOG_DIRECTORY = "/var/log/haproxy-lite";
/** One line a connection. */
export const CONNECTION_LOG = `${LOG_DIRECTORY}/haproxy-lite.log`;
/** One line a change of state. */
export const STATUS_LOG = `${LOG_DIRECTORY}/haproxy-lite-status.log`;
/** Home of the account and of the manifest; belongs to root: what is in the manifest, root will remove. */
export const STATE_DIRECTORY = "/var/lib/haproxy-lite";
/** What `install` wrote, for `uninstall`. */
export const MANIFEST = `${STATE_DIRECTORY}/manifest.json`;
/** IP protocol number of VRRP (RFC 9568 §5.1.1.4). */
export const VRRP_PROTOCOL = 112;
