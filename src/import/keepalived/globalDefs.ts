import { parseEndpoint } from "../../core/endpoint.ts";
import type { Ledger } from "../ledger.ts";
import { lookUp, type Statement, texts, wordAt } from "../source.ts";
import type { TomlDocument, TomlValue } from "../toml.ts";
import { durationText, readInt, readSecondsMs } from "../units.ts";
import type { Block } from "./blocks.ts";

/** A value with the statement that says it. */
export interface Given<T> {
  readonly value: T;
  readonly from: Statement;
}

/** What global_defs says. */
export interface GlobalDefs {
  /** VRRP version of instances that say none. */
  readonly version: Given<number> | null;
  readonly defaultInterface: Given<string> | null;
  /** Mail on every change of every instance. */
  readonly alert: Given<boolean> | null;
  readonly scriptUser: Given<string> | null;
  /** Announcement keys that instances without their own have. */
  readonly announcing: ReadonlyMap<string, Given<TomlValue>>;
  /** True when there is somebody to send mail to. */
  readonly canMail: boolean;
  /** Writes [vrrp] and [vrrp.mail]. */
  write(document: TomlDocument): void;
}

const MAIL = /^[^\s\p{Cc}<>,;@]{1,64}@[A-Za-z0-9._[\]:-]{1,190}$/u;
const HELD = new Set([
  "enable_script_security",
  "dynamic_interfaces",
  "vrrp_skip_check_adv_addr",
  "vrrp_iptables",
  "vrrp_ipsets",
  "nftables",
  "use_pid_dir",
  "enable_traps",
  "enable_snmp_vrrp",
  "max_auto_priority",
  "no_checker_emails",
  "vrrp_check_unicast_src",
  "vrrp_higher_prio_send_advert",
  "log_unknown_vrids",
  "process_names",
]);

const REASONS: Readonly<Record<string, readonly [why: string, nearest: string]>> = {
  vrrp_strict: ["addresses always answer, and what RFCs forbid is refused by check", ""],
  vrrp_mcast_group4: ["adverts go to the group of the RFC", "unicast_peer"],
  vrrp_mcast_group6: ["adverts go to the group of the RFC", "unicast_peer"],
  vrrp_notify_priority_changes: ["changes of the priority are in the log and in status", "ctl show events"],
  vrrp_startup_delay: ["an instance waits for its first down interval", "preempt_delay"],
  no_email_faults: ["mail is sent of faults, too", ""],
  lvs_sync_daemon: ["the kernel's own balancer (LVS) is not set up here", ""],
};

/** Reads every global_defs. */
export function readGlobalDefs(blocks: readonly Block[], ledger: Ledger): GlobalDefs {
  const keys = new Map<string, Given<TomlValue>>();
  const mail = new Map<string, Given<TomlValue>>();
  const announcing = new Map<string, Given<TomlValue>>();
  let version: GlobalDefs["version"] = null;
  let defaultInterface: GlobalDefs["defaultInterface"] = null;
  let alert: GlobalDefs["alert"] = null;
  let scriptUser: GlobalDefs["scriptUser"] = null;
  const to: string[] = [];
  let recipients: Block | null = null;
  for (const statement of blocks.flatMap(({ block }) => block ?? [])) {
    const [word = "", value = "", second = ""] = texts(statement);
    const garp = readAnnouncing(word.replace(/^vrrp_/, ""), value, statement);
    if (garp !== null) {
      announcing.set(garp.key, garp.given);
      continue;
    }
    switch (word) {
      case "router_id":
      case "lvs_id":
        if (/^[\x21-\x7e]{1,255}$/.test(value)) keys.set("router_id", { value, from: statement });
        else ledger.leftOut(statement, "a name for mails and logs has no blanks");
        break;
      case "notification_email":
        recipients = statement;
        for (const each of statement.block ?? [{ ...statement, words: statement.words.slice(1) }]) {
          for (const address of texts(each)) {
            if (MAIL.test(address)) to.push(address);
            else ledger.partLeftOut({ line: each.line }, `${address} is not a mail address`);
          }
          ledger.mark(each.line, "carried");
        }
        break;
      case "notification_email_from":
        if (MAIL.test(value)) mail.set("from", { value, from: statement });
        else ledger.leftOut(statement, `${value} is not a mail address`);
        break;
      case "smtp_server": {
        const host = value.includes(":") ? `[${value}]` : value;
        const server = second === "" ? host : `${host}:${second}`;
        if (parseEndpoint(server, { wildcard: false, names: true, defaultPort: 25 }).ok && !server.startsWith("/"))
          mail.set("smtp_server", { value: server, from: statement });
        else ledger.leftOut(statement, "it is not the address of a mail server");
        break;
      }
      case "smtp_connect_timeout": {
        const ms = readSecondsMs(value);
        if (ms !== null && ms >= 1000)
          mail.set("smtp_connect_timeout", { value: durationText(ms, 1000, 3_600_000), from: statement });
        else ledger.leftOut(statement, `"${value}" is not a time of a second or more`);
        break;
      }
      case "smtp_alert":
      case "smtp_alert_vrrp":
        alert = { value: !/^(off|no|false)$/.test(value), from: statement };
        break;
      case "script_user":
        scriptUser = { value, from: statement };
        break;
      case "vrrp_version": {
        const number = readInt(value);
        if (number === 2 || number === 3) version = { value: number, from: statement };
        else ledger.leftOut(statement, "a version is 2 or 3");
        break;
      }
      case "default_interface":
        defaultInterface = { value, from: statement };
        break;
      case "notify_fifo":
      case "vrrp_notify_fifo":
        if (/^\/[^\p{Cc}]+$/u.test(value)) keys.set("notify_fifo", { value, from: statement });
        else ledger.leftOut(statement, "a pipe has an absolute path");
        break;
      default: {
        if (HELD.has(word)) {
          ledger.mark(statement.line, "default");
          break;
        }
        const [why, nearest] = lookUp(REASONS, word) ?? ["it has no counterpart here", ""];
        ledger.leftOut(statement, why, nearest);
      }
    }
  }
  const [first] = blocks;
  const canMail = to.length > 0;
  return {
    version,
    defaultInterface,
    alert,
    scriptUser,
    announcing,
    canMail,
    write(document) {
      const vrrp = document.table(["vrrp"]);
      if (first !== undefined) vrrp.from(first);
      for (const key of ["router_id", "notify_fifo"]) {
        const given = keys.get(key);
        if (given !== undefined) vrrp.set(key, given.value, given.from);
      }
      if (!canMail) {
        for (const { from } of mail.values())
          ledger.leftOut(from, "nobody is named to send mail to", "notification_email");
        return;
      }
      const table = document.table(["vrrp", "mail"]);
      table.set("to", to.length === 1 ? (to[0] as string) : to, recipients);
      const from = mail.get("from");
      if (from === undefined)
        table.set("from", "keepalived@localhost", null, ["keepalived makes one of the account and host"]);
      else table.set("from", from.value, from.from);
      for (const key of ["smtp_server", "smtp_connect_timeout"]) {
        const given = mail.get(key);
        if (given === undefined) continue;
        const isDefault = /^(127\.0\.0\.1(:25)?|30s)$/.test(String(given.value));
        if (isDefault) ledger.mark(given.from.line, "default");
        else table.set(key, given.value, given.from);
      }
    },
  };
}

const ANNOUNCING: Readonly<
  Record<
    string,
    {
      readonly key: string;
      readonly unit: "s" | "count";
      readonly low: number;
      readonly high: number;
      readonly standard: TomlValue;
    }
  >
> = {
  garp_master_delay: { key: "garp_master_delay", unit: "s", low: 0, high: 3_600_000, standard: "5s" },
  garp_master_repeat: { key: "garp_master_repeat", unit: "count", low: 1, high: 100, standard: 5 },
  garp_master_refresh: { key: "garp_master_refresh", unit: "s", low: 0, high: 86_400_000, standard: "60s" },
  garp_master_refresh_repeat: { key: "garp_master_refresh_repeat", unit: "count", low: 1, high: 100, standard: 1 },
  garp_lower_prio_delay: { key: "garp_lower_prio_delay", unit: "s", low: 0, high: 3_600_000, standard: "5s" },
  garp_lower_prio_repeat: { key: "garp_lower_prio_repeat", unit: "count", low: 0, high: 100, standard: 5 },
  garp_interval: { key: "garp_interval", unit: "s", low: 0, high: 1000, standard: "0s" },
  gna_interval: { key: "gna_interval", unit: "s", low: 0, high: 1000, standard: "0s" },
};

/** A setting of gratuitous ARP, in an instance's words; null: it is none, or has no value that can be used. */
export function readAnnouncing(
  word: string,
  text: string,
  from: Statement,
): { key: string; given: Given<TomlValue>; isDefault: boolean } | null {
  const known = Object.hasOwn(ANNOUNCING, word) ? ANNOUNCING[word] : undefined;
  if (known === undefined) return null;
  const number = known.unit === "s" ? readSecondsMs(text) : readInt(text);
  if (number === null) return null;
  const clamped = Math.min(known.high, Math.max(known.low, number));
  const value = known.unit === "s" ? durationText(clamped, known.low, known.high) : clamped;
  return { key: known.key, given: { value, from }, isDefault: value === known.standard };
}

/** First word of a statement's block entries, one a line. */
export function names(block: Block): readonly Block[] {
  return (block.block ?? []).filter((inner) => wordAt(inner, 0) !== "");
}
