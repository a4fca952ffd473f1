import { ipVersion } from "../../core/endpoint.ts";
import type { Ledger } from "../ledger.ts";
import { lookUp, type Statement, texts, wordAt } from "../source.ts";
import type { TomlValue } from "../toml.ts";
import { durationText, readInt, readSecondsMs } from "../units.ts";
import { readVirtualAddresses, type VirtualAddresses } from "./addresses.ts";
import type { Block } from "./blocks.ts";
import { names, readAnnouncing } from "./globalDefs.ts";
import type { InstanceContext } from "./instances.ts";
import { absoluteCommand } from "./scripts.ts";

/** Keys of an instance as they are read; `isDefault`: they need not be written. */
export type Drafts = Map<
  string,
  { value: TomlValue; from: Statement | null; isDefault?: boolean; notes?: readonly string[] }
>;

/** Keys that run a program on a change of state. */
export const NOTIFY = [
  "notify",
  "notify_master",
  "notify_backup",
  "notify_fault",
  "notify_stop",
  "notify_deleted",
  "notify_master_rx_lower_pri",
];
const HELD = new Set([
  "preempt",
  "debug",
  "accept",
  "skip_check_adv_addr",
  "native_ipv6",
  "promote_secondaries",
  "check_unicast_src",
  "higher_prio_send_advert",
  "vmac_addr",
  "kernel_rx_buf_size",
  "garp_extra_if",
  "linkbeat_use_polling",
  "no_strict_mode",
  "old_unicast_checksum",
]);
const REASONS: Readonly<Record<string, readonly [why: string, nearest: string, carriesTraffic?: boolean]>> = {
  virtual_routes: ["routes do not move with the address", "notify_master and notify_backup with a script", true],
  virtual_rules: ["routing rules do not move with the address", "notify_master and notify_backup with a script", true],
  track_bfd: ["BFD is not spoken here", "track_interface, or a [[vrrp.script]]"],
  mcast_src_ip: ["adverts come from the interface's first address", "unicast_src_ip with unicast_peer"],
  mcast_dst_ip: ["adverts go to the group of the RFC", "unicast_peer", true],
  auth_hmac: [
    "adverts are not signed: a peer that insists refuses them",
    "none: leave it out on the peer as well",
    true,
  ],
  lvs_sync_daemon_interface: ["the kernel's own balancer (LVS) is not set up here", ""],
  strict_mode: ["addresses always answer, and what RFCs forbid is refused by check", ""],
  no_accept: ["addresses always answer", "the packet filter"],
  vmac_xmit_base: ["adverts leave with the virtual MAC address", ""],
  lower_prio_no_advert: ["a lower advert is always answered", ""],
  unicast_ttl: ["adverts have TTL 255", ""],
  notify_priority_changes: ["changes of the priority are in the log and in status", "ctl show events"],
};

/** Reads one statement of an instance into its drafts, lists of trackers and addresses. */
export function readStatement(
  statement: Block,
  drafts: Drafts,
  lists: Block[],
  addresses: VirtualAddresses,
  context: InstanceContext,
  ledger: Ledger,
) {
  const [word = "", value = ""] = texts(statement);
  const refuse = (why: string, carriesTraffic = false) => ledger.leftOut(statement, why, "", carriesTraffic);
  const int = (key: string, low: number, high: number, standard: number | null = null) => {
    const number = readInt(value);
    if (number === null || number < low || number > high) refuse(`"${value}" is not ${low}..${high}`, true);
    else drafts.set(key, { value: number, from: statement, isDefault: number === standard });
  };
  const announcing = readAnnouncing(word, value, statement);
  if (announcing !== null)
    return void drafts.set(announcing.key, {
      ...announcing.given,
      isDefault: announcing.isDefault && !context.globals.announcing.has(announcing.key),
    });
  switch (word) {
    case "interface":
      if (/^(?!\.{1,2}$)[^\s/:\p{Cc}]{1,15}$/u.test(value)) drafts.set(word, { value, from: statement });
      else refuse("that is not the name of an interface", true);
      return;
    case "state":
      if (value === "MASTER" || value === "BACKUP")
        drafts.set(word, { value, from: statement, isDefault: value === "BACKUP" });
      else refuse("a state is MASTER or BACKUP");
      return;
    case "virtual_router_id":
      return int(word, 1, 255);
    case "priority":
      return int(word, 1, 255, 100);
    case "down_timer_adverts":
      return int(word, 1, 100, 3);
    case "version":
    case "vrrp_version":
      if (value === "2" || value === "3")
        drafts.set("version", { value: Number(value), from: statement, isDefault: value === "2" });
      else refuse("a version is 2 or 3");
      return;
    case "advert_int": {
      const ms = readSecondsMs(value);
      if (ms === null || ms === 0) refuse(`"${value}" is not a number of seconds`, true);
      else drafts.set(word, { value: ms, from: statement });
      return;
    }
    case "preempt_delay": {
      const ms = readSecondsMs(value);
      if (ms === null) refuse(`"${value}" is not a number of seconds`);
      else drafts.set(word, { value: durationText(Math.min(ms, 1_000_000), 0), from: statement, isDefault: ms === 0 });
      return;
    }
    case "authentication":
      return readAuthentication(statement, drafts, ledger);
    case "virtual_ipaddress":
    case "virtual_ipaddress_excluded":
      return readVirtualAddresses(statement, String(drafts.get("interface")?.value ?? ""), addresses, ledger);
    case "smtp_alert":
      drafts.set("mail", { value: !/^(off|no|false)$/.test(value), from: statement });
      return;
    case "track_script":
    case "track_interface":
    case "track_file":
    case "track_process":
      lists.push(statement);
      return;
    case "nopreempt":
    case "dont_track_primary":
      drafts.set(word, { value: true, from: statement });
      return;
    case "use_vmac":
      drafts.set(word, { value: true, from: statement });
      if (value !== "" && value !== `vrrp.${drafts.get("virtual_router_id")?.value}`)
        ledger.note({ line: statement.line }, "the interface's name is our own");
      return;
    case "v3_checksum_as_v2":
      drafts.set("checksum", { value: "plain", from: statement });
      return;
    case "unicast_src_ip":
      if (ipVersion(value) !== 0) drafts.set(word, { value, from: statement });
      else refuse(`${value} is not an IP address`, true);
      return;
    case "unicast_peer":
      return readPeers(statement, drafts, ledger);
  }
  if (NOTIFY.includes(word)) {
    const command = absoluteCommand(value, statement, context.findProgram, ledger);
    if (command.length === 0) return refuse("there is no command");
    if (statement.words.length > 2)
      ledger.partLeftOut({ line: statement.line, word: statement.words[2] }, "it runs as the account of the service");
    return void drafts.set(word, { value: command, from: statement });
  }
  if (HELD.has(word)) return ledger.mark(statement.line, "default");
  const [why, nearest, carriesTraffic] = lookUp(REASONS, word) ?? [`nothing is known of "${word}" here`, "", false];
  ledger.leftOut(statement, why, nearest, carriesTraffic);
}

function readAuthentication(statement: Block, drafts: Drafts, ledger: Ledger): void {
  const find = (word: string) => (statement.block ?? []).find((inner) => wordAt(inner, 0) === word);
  const [type, pass] = [find("auth_type"), find("auth_pass")];
  if (type !== undefined && wordAt(type, 1).toUpperCase() !== "PASS") {
    ledger.leftOut(
      statement,
      `${wordAt(type, 1)} is not spoken here: a peer that uses it refuses our adverts`,
      'type = "PASS" on both routers',
      true,
    );
    return;
  }
  const password = pass === undefined ? "" : wordAt(pass, 1);
  if (pass === undefined || !/^[\x20-\x7e]{1,255}$/.test(password)) {
    ledger.leftOut(statement, "there is no password that can be sent", "", true);
    return;
  }
  for (const each of [statement, type, pass]) if (each !== undefined) ledger.mark(each.line, "carried");
  drafts.set("authentication", { value: { type: "PASS", password }, from: pass });
}

function readPeers(statement: Block, drafts: Drafts, ledger: Ledger): void {
  const peers: string[] = [];
  for (const each of names(statement)) {
    const peer = wordAt(each, 0);
    if (ipVersion(peer) === 0) ledger.leftOut(each, `${peer} is not an IP address`, "", true);
    else {
      peers.push(peer);
      ledger.mark(each.line, "carried");
      if (each.words.length > 1)
        ledger.partLeftOut({ line: each.line, word: each.words[1] }, "a peer is its address, and nothing more");
    }
  }
  if (peers.length > 0) drafts.set("unicast_peer", { value: peers, from: statement });
}
