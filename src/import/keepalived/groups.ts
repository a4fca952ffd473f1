import type { Ledger } from "../ledger.ts";
import { type Statement, texts, wordAt } from "../source.ts";
import type { Block } from "./blocks.ts";

/** Instances by the sync group that they are in. */
export interface Groups {
  readonly blocks: readonly Block[];
  groupOf(instance: string): {
    readonly name: string;
    readonly from: Statement;
    readonly alert: Statement | null;
    readonly trackers: readonly Block[];
  } | null;
}

/** Reads every vrrp_sync_group. */
export function readGroups(blocks: readonly Block[], ledger: Ledger): Groups {
  const members = new Map<string, NonNullable<ReturnType<Groups["groupOf"]>>>();
  for (const from of blocks) {
    const name = wordAt(from, 1);
    if (!/^[A-Za-z0-9_.:-]{1,64}$/.test(name)) {
      ledger.leftOut(from, "its name has characters that a name cannot have");
      continue;
    }
    let alert: Statement | null = null;
    const instances: string[] = [];
    const trackers: Block[] = [];
    for (const statement of from.block ?? []) {
      const word = wordAt(statement, 0);
      if (word === "group") {
        for (const each of statement.block ?? []) {
          instances.push(...texts(each));
          ledger.mark(each.line, "carried");
        }
        ledger.mark(statement.line, "carried");
      } else if (word === "smtp_alert") {
        alert = statement;
        ledger.mark(statement.line, "carried");
        ledger.differs({ line: statement.line }, "mail is sent for each instance of the group, not for the group");
      } else if (/^track_(script|process|file|interface)$/.test(word)) trackers.push(statement);
      else if (word.startsWith("notify")) {
        ledger.leftOut(
          statement,
          "groups run no scripts of their own",
          "notify_master and its like of one instance of the group",
        );
      } else ledger.leftOut(statement, "a group is the instances in it, and nothing more");
    }
    ledger.mark(from.line, "carried");
    for (const instance of instances) members.set(instance, { name, from, alert, trackers });
  }
  return { blocks, groupOf: (instance) => members.get(instance) ?? null };
}
