import { Ledger } from "../ledger.ts";
import { type SourceFile, texts, wordAt } from "../source.ts";
import { readInt, readSecondsMs } from "../units.ts";
import { type Block, type BlockWorld, readBlocks } from "./blocks.ts";
import { asksForProxy } from "./scripts.ts";

/** How often a keepalived looks whether HAProxy runs, and what it takes to be believed: what `track_proxy` needs none of. */
export interface ProxyCheck {
  readonly intervalMs: number;
  readonly rise: number;
  readonly fall: number;
}

/** keepalived's own (vrrp_script: interval 1 s, rise and fall 1). */
const DEFAULTS: ProxyCheck = { intervalMs: 1000, rise: 1, fall: 1 };

/** The script of a keepalived.conf that looks for HAProxy, the slowest of several; null: there is none. */
export function proxyCheckOf(file: SourceFile, world: BlockWorld): ProxyCheck | null {
  const checks = readBlocks(file, world, new Ledger()).statements.flatMap((block) => checkOf(block) ?? []);
  const [slowest] = checks.toSorted((a, b) => b.fall * b.intervalMs - a.fall * a.intervalMs);
  return slowest ?? null;
}

function checkOf(block: Block): ProxyCheck | null {
  const statements = block.block ?? [];
  const script = statements.find((statement) => wordAt(statement, 0) === "script");
  if (wordAt(block, 0) !== "vrrp_script" || script === undefined || !asksForProxy(texts(script, 1).join(" ")))
    return null;
  const said = (word: string): string | null => {
    const found = statements.find((statement) => wordAt(statement, 0) === word);
    return found === undefined ? null : wordAt(found, 1);
  };
  const count = (word: "rise" | "fall"): number => Math.max(1, readInt(said(word) ?? "") ?? DEFAULTS[word]);
  const intervalMs = readSecondsMs(said("interval") ?? "") ?? DEFAULTS.intervalMs;
  return { intervalMs, rise: count("rise"), fall: count("fall") };
}
