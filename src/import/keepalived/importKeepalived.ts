import type { Ledger } from "../ledger.ts";
import { type Line, lookUp, type SourceFile, wordAt } from "../source.ts";
import { commentOf, type TomlDocument } from "../toml.ts";
import { type Block, type Blocks, type BlockWorld, readBlocks } from "./blocks.ts";
import { readGlobalDefs } from "./globalDefs.ts";
import { readGroups } from "./groups.ts";
import { writeInstances } from "./instances.ts";
import { readScripts, writeScripts } from "./scripts.ts";

/** What reading a file of keepalived's needs of the world. */
export interface KeepalivedWorld extends BlockWorld {
  /** Absolute path of a program that a script names without one; null: there is none. */
  readonly findProgram: (name: string) => string | null;
}

const SCRIPTS = new Set(["vrrp_script", "vrrp_track_process", "vrrp_track_file", "track_file"]);

interface Reason {
  readonly why: string;
  readonly nearest: string;
  readonly carriesTraffic: boolean;
}

const LVS: Reason = {
  why: "the kernel's own balancer (LVS) is not set up here",
  nearest: "a [listen.NAME] with bind = the virtual server's address, which relays TCP",
  carriesTraffic: true,
};
const STATIC: Reason = {
  why: "the host's own addresses, routes and rules are the host's business",
  nearest: "the network's own configuration",
  carriesTraffic: true,
};
const BFD: Reason = {
  why: "BFD is not spoken here",
  nearest: "track_interface, or a [[vrrp.script]]",
  carriesTraffic: false,
};

const LEFT_OUT: Readonly<Record<string, Reason>> = {
  virtual_server: LVS,
  virtual_server_group: LVS,
  SSL: LVS,
  static_ipaddress: STATIC,
  static_routes: STATIC,
  static_rules: STATIC,
  static_track_group: STATIC,
  linkbeat_interfaces: { why: "links are watched by netlink", nearest: "", carriesTraffic: false },
  linkbeat_use_polling: { why: "links are watched by netlink", nearest: "", carriesTraffic: false },
  bfd_instance: BFD,
  garp_group: {
    why: "pauses between announcements are of each instance",
    nearest: "garp_interval of an instance",
    carriesTraffic: false,
  },
  net_namespace: { why: "the whole program runs where it is started", nearest: "ip netns exec", carriesTraffic: false },
};

/**
 * Reads files of keepalived's and writes [vrrp].
 * @param withProxy listens were made from a file of HAProxy's: the proxy is ours
 * @returns every line read, those of included files as well
 */
export function importKeepalived(
  files: readonly SourceFile[],
  world: KeepalivedWorld,
  withProxy: boolean,
  document: TomlDocument,
  ledger: Ledger,
): Line[] {
  const read = files.map((file) => readBlocks(file, world, ledger));
  const statements = read.flatMap((blocks) => blocks.statements);
  const of = (...names: string[]) => statements.filter((statement) => names.includes(wordAt(statement, 0)));
  const globals = readGlobalDefs(of("global_defs"), ledger);
  const scripts = readScripts(
    statements.filter((statement) => SCRIPTS.has(wordAt(statement, 0))),
    globals,
    world.findProgram,
    ledger,
  );
  const groups = readGroups(of("vrrp_sync_group"), ledger);
  const instances = of("vrrp_instance");
  if (instances.length > 0) {
    globals.write(document);
    writeScripts(scripts, instances, groups, document, ledger);
    writeInstances(
      instances,
      { globals, scripts, groups, withProxy, findProgram: world.findProgram },
      document,
      ledger,
    );
  }
  const known = new Set(["global_defs", "vrrp_sync_group", "vrrp_instance", ...SCRIPTS]);
  for (const statement of statements) {
    const keyword = wordAt(statement, 0);
    if (known.has(keyword) || keyword === "(left out)") continue;
    const reason = lookUp(LEFT_OUT, keyword) ?? {
      why: `nothing is known of "${keyword}" here`,
      nearest: "",
      carriesTraffic: false,
    };
    ledger.leftOut(statement, reason.why, reason.nearest, reason.carriesTraffic);
  }
  settle(read, document, ledger);
  return read.flatMap(({ lines }) => lines);
}

/** Lines of braces have their block's fate, and so have comments that are written nowhere. */
function settle(read: readonly Blocks[], document: TomlDocument, ledger: Ledger): void {
  for (const { statements, foot } of read) {
    const homeless: string[] = [];
    for (const statement of statements) homeless.push(...settleBlock(statement, null, document, ledger));
    for (const line of foot) ledger.mark(line, "carried");
    document.sayLast(...homeless, ...foot.map(commentOf));
  }
}

/** Settles a statement and all below it; comments that are to be written further up. */
function settleBlock(block: Block, above: "left out" | null, document: TomlDocument, ledger: Ledger): string[] {
  if (above !== null) ledger.mark(block.line, above);
  const own = ledger.fateOf(block.line);
  const isCarried = block.block?.some((inner) => ledger.fateOf(inner.line) === "carried") === true;
  const fate = isCarried && own !== "carried" ? "carried" : (own ?? "default");
  ledger.mark(block.line, fate);
  const orphans: string[] = [];
  for (const inner of block.block ?? [])
    orphans.push(...settleBlock(inner, fate === "left out" ? "left out" : null, document, ledger));
  for (const line of [...block.before, ...block.after]) {
    const isComment = /^\s*[#!]/.test(line.text);
    const isNew = ledger.fateOf(line) === null;
    ledger.mark(line, fate);
    if (isComment && isNew && fate !== "left out") orphans.push(commentOf(line));
  }
  if (fate !== "left out" && !document.has(block) && block.comment !== "") orphans.push(block.comment);
  const table = document.tableOf(block);
  if (table === null) return orphans;
  table.sayInside(...orphans);
  return [];
}
