import type { Ledger } from "../ledger.ts";
import { texts, wordAt } from "../source.ts";
import type { TomlTable, TomlValue } from "../toml.ts";
import type { Block } from "./blocks.ts";
import { names } from "./globalDefs.ts";
import { readWeight, type Tracked, type Trackers } from "./scripts.ts";

const INTERFACE = /^(?!\.{1,2}$)[^\s/:\p{Cc}]{1,15}$/u;

/** Writes track_script, track_proxy, track_interface and track_file of an instance; whether it tracks the proxy by itself. */
export function writeTracking(lists: readonly Block[], trackers: Trackers, table: TomlTable, ledger: Ledger): boolean {
  const scripts: { value: TomlValue; from: Block }[] = [];
  const interfaces: { value: TomlValue; from: Block }[] = [];
  const files: { value: TomlValue; from: Block }[] = [];
  let proxy: { tracked: Extract<Tracked, { kind: "proxy" }>; weight: number; reverse: boolean; from: Block } | null =
    null;
  const seen = new Set<string>();
  for (const list of lists) {
    for (const each of names(list)) {
      const name = wordAt(each, 0);
      const words = texts(each, 1);
      const own = words[0] === "weight" ? readWeight(words.slice(1)) : null;
      const key = `${wordAt(list, 0)} ${name}`;
      if (seen.has(key)) {
        ledger.mark(each.line, "default");
        continue;
      }
      seen.add(key);
      if (wordAt(list, 0) === "track_interface") {
        if (INTERFACE.test(name)) interfaces.push({ value: weighted(name, own), from: each });
        else ledger.leftOut(each, "that is not the name of an interface", "", true);
        continue;
      }
      const tracked = trackers.get(name);
      if (tracked === undefined || tracked.kind === "none") {
        ledger.leftOut(
          each,
          tracked === undefined ? `there is nothing called ${name} to track` : "what it tracks is left out",
          "",
          tracked !== undefined,
        );
        continue;
      }
      if (tracked.kind === "script") scripts.push({ value: weighted(name, own), from: each });
      else if (tracked.kind === "file") {
        const { weight, reverse } = own ?? tracked;
        const flags = { ...(weight === 1 ? {} : { weight }), ...(reverse ? { reverse } : {}) };
        files.push({ value: { file: tracked.path, ...flags }, from: each });
      } else if (proxy === null) proxy = { tracked, ...(own ?? tracked), from: each };
      else ledger.mark(each.line, "default");
    }
  }
  put("track_script", scripts);
  if (proxy !== null) {
    const { tracked, weight, reverse, from } = proxy;
    const notes = [
      `was ${wordAt(tracked.from, 0)} ${tracked.name}, "${tracked.said}": that asks whether a process of that name exists;`,
      "track_proxy knows whether the proxy serves, at once and without a program",
    ];
    table.set("track_proxy", reverse ? { weight, reverse } : { weight }, from, notes);
    for (const line of tracked.from.before) ledger.mark(line, "carried");
    table.adopt(tracked.from);
  }
  put("track_interface", interfaces);
  put("track_file", files);
  return proxy !== null;

  function put(key: string, items: readonly { value: TomlValue; from: Block }[]): void {
    const [first, ...others] = items;
    if (first === undefined) return;
    table.set(
      key,
      items.map(({ value }) => value),
      first.from,
    );
    for (const { from } of others) table.adopt(from);
  }
}

function weighted(name: string, own: { weight: number; reverse: boolean } | null): TomlValue {
  if (own === null) return name;
  return own.reverse ? { name, weight: own.weight, reverse: true } : { name, weight: own.weight };
}
