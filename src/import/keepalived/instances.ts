import { ipVersion } from "../../core/endpoint.ts";
import type { Ledger } from "../ledger.ts";
import { type Statement, wordAt } from "../source.ts";
import type { TomlDocument, TomlTable } from "../toml.ts";
import { durationText } from "../units.ts";
import type { VirtualAddresses } from "./addresses.ts";
import type { Block } from "./blocks.ts";
import type { GlobalDefs } from "./globalDefs.ts";
import type { Groups } from "./groups.ts";
import { type Drafts, NOTIFY, readStatement } from "./readInstance.ts";
import type { Trackers } from "./scripts.ts";
import { writeTracking } from "./tracking.ts";

/** What instances are written with. */
export interface InstanceContext {
  readonly globals: GlobalDefs;
  readonly scripts: Trackers;
  readonly groups: Groups;
  readonly withProxy: boolean;
  readonly findProgram: (name: string) => string | null;
}

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
