import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { parse } from "smol-toml";
import { UserError } from "../core/errors.ts";
import { findAccount } from "./accounts.ts";
import { inTree, sha256OfFile } from "./disk.ts";
import type { Existing, FirewallKeeper, HostFacts, VrrpInterface } from "./facts.ts";
import { type Manifest, parseManifest } from "./manifest.ts";
import { parseNftInputChains } from "./nftables.ts";
import { CONFIG, MANIFEST, SERVICE } from "./paths.ts";
import { readRsyslogUdp } from "./templates/rsyslog.ts";
import { findTool, runTool } from "./tool.ts";

const EXIT_FAILED = 1;
/** RHEL 8's: what is asked of a tree that does not say which systemd it has. */
const ASSUMED_SYSTEMD = 239;

/** What is to be installed, and where. */
export interface Target {
  /** "/" or the absolute path of a tree, without a slash at its end. */
  root: string;
  /** Init script even where systemd runs. */
  sysv: boolean;
  /** The executable. */
  program: string;
}

/** Looks at the host, or at the tree. Throws UserError for a tree that is not there. */
export function probeHost({ root, sysv, program }: Target): HostFacts {
  const has = (path: string): boolean => existsSync(inTree(root, path));
  const redHatRc = has("/etc/rc.d") || !has("/etc/init.d");
  const rsyslogTexts = readRsyslogFiles(root);
  const firewall = firewallKeepers(root);
  return {
    root,
    init: !sysv && isSystemd(root) ? "systemd" : "sysv",
    systemdVersion: systemdVersion(root),
    initDirectory: redHatRc ? "/etc/rc.d/init.d" : "/etc/init.d",
    rcDirectory: redHatRc ? "/etc/rc.d" : "/etc",
    optionsFile:
      has("/etc/default") && !has("/etc/sysconfig") ? `/etc/default/${SERVICE}` : `/etc/sysconfig/${SERVICE}`,
    nologin: !has("/sbin/nologin") && has("/usr/sbin/nologin") ? "/usr/sbin/nologin" : "/sbin/nologin",
    rsyslogUdp: readRsyslogUdp(rsyslogTexts),
    rsyslogUser: /^\s*\$PrivDropToUser\s+(\S+)/im.exec(rsyslogTexts)?.[1] ?? null,
    somaxconn: root === "/" ? readNumber("/proc/sys/net/core/somaxconn") : null,
    account: findAccount(root, SERVICE),
    selinux: root === "/" ? existsSync("/sys/fs/selinux/enforce") : has("/etc/selinux/config"),
    firewall,
    nftInputChains: root === "/" ? nftInputChains() : [],
    vrrpInterfaces: vrrpInterfaces(root, firewall),
    program: { path: program, sha256: sha256OfFile(program) },
  };
}

/** What stands at each of the paths. */
export function look(root: string, paths: readonly string[]): Map<string, Existing> {
  return new Map(paths.map((path) => [path, lookAt(inTree(root, path))]));
}

/** The names in each directory among the paths. */
export function listDirectories(root: string, paths: readonly string[]): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const path of paths)
    if (lookAt(inTree(root, path)).kind === "directory") names.set(path, readdirSync(inTree(root, path)));
  return names;
}

/** The manifest of the host or tree; null: there is none. Throws UserError for a damaged one. */
export function readManifest(root: string): Manifest | null {
  const path = inTree(root, MANIFEST);
  try {
    return parseManifest(readFileSync(path, "utf8"), path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw error;
  }
}

/**
 * Throws UserError when one of the paths would leave the tree by a symbolic link: what is meant for an image must not change
 * the host that builds it.
 */
export function refuseEscapes(root: string, paths: readonly string[]): void {
  if (root === "/") return;
  const top = realpathSync(root);
  for (const path of paths) {
    let parent = dirname(inTree(root, path));
    while (lstatSync(parent, { throwIfNoEntry: false }) === undefined) parent = dirname(parent);
    const real = resolveLink(parent);
    if (real !== top && !real.startsWith(`${top}/`))
      throw new UserError(`${parent} leads out of the tree, to ${real}\n  make the link relative`, EXIT_FAILED);
  }
}

function resolveLink(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return readlinkSync(path); // it leads nowhere
  }
}

function lookAt(path: string): Existing {
  let stat: ReturnType<typeof lstatSync> | undefined;
  try {
    stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return { kind: "absent" };
    const rights = { mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid };
    if (stat.isSymbolicLink()) return { kind: "link", target: readlinkSync(path) };
    if (stat.isDirectory()) return { kind: "directory", ...rights };
    if (!stat.isFile()) return { kind: "other" };
    return { kind: "file", ...rights, sha256: sha256OfFile(path) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOTDIR") return { kind: "absent" };
    if (code === "EACCES") return { kind: "other" };
    throw new UserError(message, EXIT_FAILED, { cause: error });
  }
}

/** A running systemd; in a tree the one that will run. */
function isSystemd(root: string): boolean {
  const signs =
    root === "/"
      ? ["/run/systemd/system"]
      : ["/run/systemd/system", "/usr/lib/systemd/systemd", "/lib/systemd/systemd"];
  return signs.some((path) => existsSync(inTree(root, path)));
}

function systemdVersion(root: string): number {
  const said = root === "/" ? runTool(["systemctl", "--version"]).output : libraryNames(root);
  const version = Number(/^systemd (\d+)|libsystemd-shared-(\d+)/m.exec(said)?.slice(1).find(Boolean));
  return Number.isInteger(version) ? version : ASSUMED_SYSTEMD;
}

/** Its library has the version in its name, and a tree's programs cannot be run. */
function libraryNames(root: string): string {
  const names = ["/usr/lib/systemd", "/usr/lib64/systemd", "/lib/systemd"].flatMap((path) =>
    namesIn(inTree(root, path)),
  );
  return names.join("\n");
}

/** All of rsyslog's files but ours. */
function readRsyslogFiles(root: string): string {
  const directory = inTree(root, "/etc/rsyslog.d");
  const snippets = namesIn(directory).filter((name) => name.endsWith(".conf") && name !== `${SERVICE}.conf`);
  const paths = [inTree(root, "/etc/rsyslog.conf"), ...snippets.map((name) => join(directory, name))];
  return paths.map((path) => readText(path) ?? "").join("\n");
}

function firewallKeepers(root: string): FirewallKeeper[] {
  if (root !== "/") {
    const configured = existsSync(inTree(root, "/etc/firewalld"));
    return configured && findTool("firewall-offline-cmd") !== null ? ["firewalld-offline"] : [];
  }
  if (runTool(["firewall-cmd", "--state"]).ok) return ["firewalld"];
  return [
    ...(findTool("firewall-offline-cmd") === null ? [] : (["firewalld-offline"] as const)),
    ...(findTool("iptables") === null ? [] : (["iptables"] as const)),
  ];
}

/** A packet must pass all chains of its hook: an accept of iptables does not help where a chain of somebody else drops. */
function nftInputChains(): string[] {
  const { ok, output } = runTool(["nft", "-j", "list", "chains"]);
  return ok ? parseNftInputChains(output) : [];
}

/** Interfaces of the virtual routers in the configuration that is there; a file with errors has none. */
function vrrpInterfaces(root: string, firewall: readonly FirewallKeeper[]): VrrpInterface[] {
  const text = readText(inTree(root, CONFIG));
  if (text === null) return [];
  let names: string[];
  try {
    const { vrrp } = parse(text) as { vrrp?: { instance?: Record<string, { interface?: unknown }> } };
    const found = Object.values(vrrp?.instance ?? {}).map((instance) => instance.interface);
    names = found.filter((name) => typeof name === "string" && /^[^\s/:-][^\s/:]{0,14}$/.test(name)) as string[];
  } catch {
    return [];
  }
  return [...new Set(names)].map((name) => ({ name, zone: firewall.includes("firewalld") ? zoneOf(name) : null }));
}

function zoneOf(name: string): string | null {
  const { ok, output } = runTool(["firewall-cmd", `--get-zone-of-interface=${name}`]);
  return ok && /^[\w-]+$/.test(output) ? output : null;
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}

function readText(path: string): string | null {
  try {
    accessSync(path, constants.R_OK);
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

function readNumber(path: string): number | null {
  const value = Number(readText(path) ?? Number.NaN);
  return Number.isFinite(value) ? value : null;
}
