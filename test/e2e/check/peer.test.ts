import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Row } from "../../../src/vrrp/truthTable/table.ts";
import { binary, run } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { until } from "../../support/until.ts";
import { freeze, isolate, killEverything, pullCable, reunite, thaw } from "../vrrp/support/faults.ts";
import { signal } from "../vrrp/support/node.ts";
import { ownersOf } from "../vrrp/support/owners.ts";
import { type Stand, standOf } from "../vrrp/support/pair.ts";
import { V2 } from "../vrrp/support/profiles.ts";
import { cannotMakeLan } from "../vrrp/support/skip.ts";
import { SLACK_MS } from "../vrrp/support/timing.ts";

const skip = cannotMakeLan();

interface Sample {
  /** As the table calls it. */
  readonly fault: string;
  start(stand: Stand): Promise<unknown>;
  /** null: what was killed does not come back here. */
  heal: ((stand: Stand) => Promise<unknown>) | null;
}

let frozen: number[] = [];

const SAMPLES: readonly Sample[] = [
  { fault: "a: program killed", start: ({ lan }) => killEverything(lan.a), heal: null },
  { fault: "a: shut down cleanly", start: ({ first }) => first.stop(), heal: null },
  {
    fault: "a: link of eth0 down",
    start: ({ lan }) => pullCable(lan, lan.a),
    heal: ({ lan }) => lan.wire.ip("link", "set", lan.a.port, "up"),
  },
  {
    fault: "a: program frozen",
    start: async ({ lan }) => {
      frozen = await freeze(lan.a);
    },
    heal: async () => thaw(frozen),
  },
  {
    fault: "a: proxy hung",
    start: async ({ first }) => signal(await first.proxyPid(), "SIGSTOP"),
    // The supervisor replaces it after ten seconds.
    heal: async () => {},
  },
  {
    fault: "adverts blocked both ways",
    start: ({ lan }) => isolate(lan, lan.b),
    heal: ({ lan }) => reunite(lan, lan.b),
  },
];

describe("real processes do what the table says", () => {
  for (const { fault, start, heal } of SAMPLES) {
    test.skipIf(skip).concurrent(
      fault,
      async () => {
        const stand = await standOf({ profile: V2 });
        const { lan, wire } = stand;
        const row = await predicted(stand, fault);
        const owners = row.owners.map((name) => name.toUpperCase()).join("+");

        const startMs = Date.now();
        const faulty = start(stand);
        await until(`${owners} to own the address`, async () => (await ownersOf(lan)) === owners, {
          timeoutMs: (row.withoutServiceMs ?? 0) + 2 * 4000 + SLACK_MS,
        });
        if (fault !== "adverts blocked both ways") {
          const takeover = await wire.waitForAdvert({ from: lan.b, sinceMs: startMs });
          const tookMs = takeover.atMs - startMs;
          expect(tookMs).toBeLessThan((row.withoutServiceMs ?? 0) + SLACK_MS);
          // The worst moment of all is an advert interval away from the best.
          expect(tookMs).toBeGreaterThan((row.withoutServiceMs ?? 0) - V2.advertMs - 500);
        }
        await faulty;
        if (heal === null) return;
        await heal(stand);
        const back = row.movesBack ? "A" : owners;
        await until(`${back} to own the address again`, async () => (await ownersOf(lan)) === back, {
          timeoutMs: 30_000,
        });
      },
      90_000,
    );
  }
});

/** The row of the table for this pair, as the compiled program prints it for the files that the two run with. */
async function predicted({ first, second }: Stand, fault: string): Promise<Row> {
  if (second === null || second.kind !== "haproxy-lite") throw new Error("the second is one of ours");
  const other = second as typeof first;
  const said = await run([
    ...[binary(), "check", "-c", named(first.proxy.configFile, "a")],
    ...["--peer", named(other.proxy.configFile, "b"), "--json"],
  ]);
  const { rows } = JSON.parse(said.stdout) as { rows: Row[] };
  const row = rows.find((each) => each.fault === fault);
  if (row === undefined) throw new Error(`no row "${fault}" in ${said.stdout}${said.stderr}`);
  return row;
}

/** A copy of a configuration file under a name of its own, by which the table calls the host. */
function named(file: string, name: string): string {
  const path = join(tmpDir(), `${name}.toml`);
  writeFileSync(path, readFileSync(file));
  return path;
}
