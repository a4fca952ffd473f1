import { ipVersion } from "../../core/endpoint.ts";
import type { Ledger } from "../ledger.ts";
import { lookUp, type Statement, texts, wordAt } from "../source.ts";
import type { TomlDocument, TomlTable, TomlValue } from "../toml.ts";
import { durationText, readInt, readSecondsMs } from "../units.ts";
import { readVirtualAddresses, type VirtualAddresses } from "./addresses.ts";
import type { Block } from "./blocks.ts";
import { type GlobalDefs, names, readAnnouncing } from "./globalDefs.ts";
import type { Groups } from "./groups.ts";
import { absoluteCommand, type Trackers } from "./scripts.ts";
import { writeTracking } from "./tracking.ts";

/** What instances are written with. */
export interface InstanceContext {
  readonly globals: GlobalDefs;
  readonly scripts: Trackers;
  readonly groups: Groups;
  readonly withProxy: boolean;
  readonly findProgram: (name: string) => string | null;
}

type Drafts = Map<string, { value: TomlValue; from: Statement | null; isDefault?: boolean; notes?: readonly string[] }>;

const NOTIFY = [
  "notify",
  "notify_master",
  "notify_backup",
  "notify_fault",
  "notify_stop",
  "notify_deleted",
  "notify_master_rx_lower_pri",
];
const ORDER = [
  "interface",
  "state",
  "virtual_router_id",
  "priority",
  "advert_int",
  "version",
  "authentication",
  "virtual_ipaddress",
  "virtual_ipaddress_excluded",
  "mail",
  "TRACKING",
  "dont_track_primary",
  "nopreempt",
  "preempt_delay",
  "down_timer_adverts",
  "unicast_src_ip",
  "unicast_peer",
  "garp_master_delay",
  "garp_master_repeat",
  "garp_master_refresh",
  "garp_master_refresh_repeat",
  "garp_lower_prio_delay",
  "garp_lower_prio_repeat",
  "garp_interval",
  "gna_interval",
  ...NOTIFY,
  "sync_group",
  "use_vmac",
  "checksum",
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

/** Writes every [vrrp.instance.NAME]. */
export function writeInstances(
  instances: readonly Block[],
  context: InstanceContext,
  document: TomlDocument,
  ledger: Ledger,
): void {
  let tracked = true;
  const taken = new Set<string>();
  for (const block of instances) {
    const name = wordAt(block, 1);
    if (!/^(?!(__proto__|constructor)$)[A-Za-z0-9_.:-]{1,64}$/.test(name) || taken.has(name)) {
      ledger.leftOut(
        block,
        taken.has(name) ? "there is an instance of this name" : "its name has characters that a name cannot have",
        "another name",
        true,
      );
      continue;
    }
    taken.add(name);
    tracked = writeInstance(name, block, context, document, ledger) && tracked;
  }
  const [first] = instances;
  if (!tracked && first !== undefined && context.withProxy) {
    ledger.differs(
      { line: first.line },
      "the proxy is tracked here without being told: no working proxy, no address",
      "track_proxy = false",
    );
  }
}

function writeInstance(
  name: string,
  block: Block,
  context: InstanceContext,
  document: TomlDocument,
  ledger: Ledger,
): boolean {
  const drafts: Drafts = new Map();
  const lists: Block[] = [...(context.groups.groupOf(name)?.trackers ?? [])];
  const addresses: VirtualAddresses = { own: [], excluded: [] };
  for (const statement of block.block ?? []) readStatement(statement, drafts, lists, addresses, context, ledger);
  const { globals } = context;
  if (!drafts.has("interface") && globals.defaultInterface !== null) drafts.set("interface", globals.defaultInterface);
  for (const key of ["interface", "virtual_router_id"]) {
    if (drafts.has(key)) continue;
    ledger.leftOut(block, `it has no ${key} that could be carried over`, "", true);
    return true;
  }
  if (!drafts.has("version") && globals.version !== null)
    drafts.set("version", { ...globals.version, isDefault: globals.version.value === 2 });
  for (const [key, given] of globals.announcing) if (!drafts.has(key)) drafts.set(key, given);
  const group = context.groups.groupOf(name);
  if (group !== null) drafts.set("sync_group", { value: group.name, from: group.from });
  mail(drafts, group?.alert ?? null, globals, ledger);
  settleVersion(block, drafts, addresses, ledger);
  const table = document.table(["vrrp", "instance", name]).from(block);
  let tracksProxy = false;
  for (const key of ORDER) {
    if (key === "TRACKING") {
      tracksProxy = writeTracking(lists, context.scripts, table, ledger);
      if (!tracksProxy && !context.withProxy) table.set("track_proxy", false, null, ["keepalived knows of no proxy"]);
    } else if (key === "virtual_ipaddress") writeAddresses(key, addresses.own, table);
    else if (key === "virtual_ipaddress_excluded") writeAddresses(key, addresses.excluded, table);
    else {
      const draft = drafts.get(key);
      if (draft === undefined) continue;
      if (draft.isDefault === true && draft.from !== null) ledger.mark(draft.from.line, "default");
      else table.set(key, draft.value, draft.from, draft.notes ?? []);
    }
  }
  return tracksProxy;
}

function writeAddresses(key: string, list: VirtualAddresses["own"], table: TomlTable): void {
  const [first] = list;
  if (first === undefined) return;
  table.set(
    key,
    list.map(({ text }) => text),
    first.list,
  );
  for (const { from, list: each } of list) table.adopt(each).adopt(from);
}

function mail(drafts: Drafts, groupAlert: Statement | null, globals: GlobalDefs, ledger: Ledger): void {
  const own = drafts.get("mail");
  const wanted =
    own ?? (groupAlert === null ? undefined : { value: true, from: groupAlert }) ?? globals.alert ?? undefined;
  drafts.delete("mail");
  if (wanted === undefined) return;
  if (wanted.value !== true) {
    if (wanted.from !== null) ledger.mark(wanted.from.line, "default");
  } else if (globals.canMail) drafts.set("mail", { value: true, from: wanted.from });
  else if (wanted.from !== null)
    ledger.leftOut(wanted.from, "nobody is named to send mail to", "notification_email in global_defs");
}

/** Peers and the address towards them are of the family of the adverts, and no router is its own peer. */
function settlePeers(drafts: Drafts, family: number, ledger: Ledger): void {
  const peers = drafts.get("unicast_peer");
  const source = drafts.get("unicast_src_ip");
  const all = (peers?.value ?? []) as readonly string[];
  const wanted = family || ipVersion(String(source?.value ?? all[0] ?? ""));
  const fitting = all.filter((peer) => ipVersion(peer) === wanted && peer !== source?.value);
  if (peers?.from != null && fitting.length < all.length) {
    ledger.partLeftOut({ line: peers.from.line }, "a peer is another router, of the family of the adverts", "", true);
  }
  if (peers !== undefined && fitting.length > 0) drafts.set("unicast_peer", { ...peers, value: fitting });
  else drafts.delete("unicast_peer");
  if (source?.from != null && fitting.length > 0 && ipVersion(String(source.value)) !== wanted) {
    drafts.delete("unicast_src_ip");
    ledger.leftOut(source.from, "it is not of the family of the adverts", "", true);
  }
}

/** What versions and families do not go together is settled as keepalived settles it. */
function settleVersion(block: Block, drafts: Drafts, addresses: VirtualAddresses, ledger: Ledger): void {
  const family = ipVersion(addresses.own[0]?.text.replace(/\/.*/, "") ?? "");
  const foreign = addresses.own.filter(({ text }) => ipVersion(text.replace(/\/.*/, "")) !== family);
  for (const address of foreign) {
    addresses.own.splice(addresses.own.indexOf(address), 1);
    addresses.excluded.push(address);
    ledger.differs(
      { line: address.from.line },
      "adverts carry addresses of one family: this one moves along as an excluded one",
    );
  }
  if (family === 6 && drafts.get("version")?.value !== 3) {
    drafts.set("version", { value: 3, from: drafts.get("version")?.from ?? null, notes: ["IPv6 addresses need it"] });
    ledger.note({ line: block.line }, "IPv6 addresses are of version 3, which keepalived takes by itself");
  }
  settlePeers(drafts, family, ledger);
  const version = drafts.get("version")?.value ?? 2;
  const authentication = drafts.get("authentication");
  if (version === 3 && authentication?.from != null) {
    drafts.delete("authentication");
    ledger.leftOut(
      authentication.from,
      "version 3 has no authentication, and keepalived ignores it there",
      "version = 2 on both routers",
    );
  }
  const checksum = drafts.get("checksum");
  if (checksum?.from != null && (version !== 3 || family !== 4)) {
    drafts.delete("checksum");
    ledger.mark(checksum.from.line, "default");
  }
  const interval = drafts.get("advert_int");
  if (interval === undefined) return;
  const ms = Number(interval.value);
  const fitting =
    version === 3
      ? Math.min(40_950, Math.max(10, Math.round(ms / 10) * 10))
      : Math.min(255_000, Math.max(1000, Math.round(ms / 1000) * 1000));
  if (fitting !== ms && interval.from !== null)
    ledger.differs(
      { line: interval.from.line },
      `version ${version} cannot say it: it is ${durationText(fitting)}, as keepalived rounds it`,
    );
  drafts.set("advert_int", { ...interval, value: durationText(fitting), isDefault: fitting === 1000 });
}

function readStatement(
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
