import type { RsyslogUdp } from "./templates/rsyslog.ts";

/** What stands at a path. `sha256` is hexadecimal; `mode` has the permission bits alone. */
export type Existing =
  | { kind: "absent" }
  | { kind: "file"; sha256: string; mode: number; uid: number; gid: number }
  | { kind: "directory"; mode: number; uid: number; gid: number }
  | { kind: "link"; target: string }
  | { kind: "other" };

/** Ids of the service account; null: not there. */
export interface AccountIds {
  uid: number | null;
  gid: number | null;
}

/** Who keeps a firewall: a running firewalld, one that is only configured, bare iptables. */
export type FirewallKeeper = "firewalld" | "firewalld-offline" | "iptables";

/** A network that the configuration has virtual routers on. */
export interface VrrpInterface {
  name: string;
  /** firewalld's zone of it; null: the default zone. */
  zone: string | null;
}

/** The host, or the tree of one, as `install` needs to know it. */
export interface HostFacts {
  /** "/", or the directory of a tree, without a slash at its end. */
  root: string;
  /** What will start services there. */
  init: "systemd" | "sysv";
  systemdVersion: number;
  /** Directory of init scripts. */
  initDirectory: string;
  /** Directory that rc0.d … rc6.d are in. */
  rcDirectory: string;
  /** File of command line options: /etc/sysconfig/…, or /etc/default/… on Debian. */
  optionsFile: string;
  nologin: string;
  rsyslogUdp: RsyslogUdp;
  /** Account that rsyslog changes to, and then cannot write to our log directory; null: it stays root. */
  rsyslogUser: string | null;
  somaxconn: number | null;
  account: AccountIds;
  /** SELinux is on: labels are to be restored. */
  selinux: boolean;
  /** A firewalld that does not run may leave the work to iptables. */
  firewall: readonly FirewallKeeper[];
  /** Chains of nftables that judge what comes in, "inet filter input", but for those that firewalld and iptables keep. */
  nftInputChains: readonly string[];
  vrrpInterfaces: readonly VrrpInterface[];
  /** The program that is to be installed. */
  program: { path: string; sha256: string };
}
