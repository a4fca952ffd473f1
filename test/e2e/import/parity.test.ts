import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { tool } from "../../support/tools.ts";
import { until } from "../../support/until.ts";
import { startBackends, visit } from "./support/servers.ts";
import { essence, type Side, startSide } from "./support/side.ts";

const CORPUS = join(import.meta.dir, "../../import/corpus");

interface Case {
  readonly file: string;
  /** Connections, one after the other. Default 6. */
  readonly visits?: number;
  /** "counts": the order of equals may differ. */
  readonly order?: "counts";
  /** Clients say nothing, and wait until they are sent away. */
  readonly silent?: boolean;
  /** Check statuses that differ, and are told to. */
  readonly otherStatus?: readonly string[];
  readonly door?: "FE2";
  readonly unlogged?: boolean;
}

const CASES: readonly Case[] = [
  { file: "roundrobin" },
  { file: "weights", visits: 16, order: "counts" },
  { file: "static-rr", visits: 12, order: "counts" },
  { file: "first" },
  { file: "source" },
  { file: "leastconn", order: "counts" },
  { file: "backup" },
  { file: "disabled" },
  { file: "weight-zero" },
  { file: "joined" },
  { file: "named-defaults", order: "counts" },
  { file: "named-defaults", door: "FE2" },
  { file: "refused", visits: 2 },
  { file: "redispatch", visits: 4 },
  { file: "send-proxy", visits: 1 },
  { file: "no-server", visits: 2 },
  { file: "tcp-check" },
  { file: "tcp-check-escapes" },
  // Not what was asked for: HAProxy waits for the timeout, we say so at once.
  { file: "redis-check", otherStatus: ["app/s1"] },
  { file: "httpchk" },
  { file: "check-port" },
  { file: "two-binds", door: "FE2" },
  { file: "no-log", unlogged: true },
  { file: "client-timeout", visits: 1, silent: true },
  { file: "shared" },
  { file: "shared", door: "FE2" },
  { file: "old" },
];

describe.skipIf(tool("haproxy") === null)("a file of HAProxy's served by both, under the same clients", () => {
  for (const each of CASES) {
    const { file, visits = 6, order, silent = false, door = "FE1" } = each;
    test(`${file}${door === "FE1" ? "" : `, ${door}`}`, async () => {
      const text = readFileSync(join(CORPUS, `${file}.cfg`), "utf8");
      const backends = startBackends();
      const [theirs, ours] = await Promise.all([
        startSide("haproxy", text, backends.ports),
        startSide("haproxy-lite", text, backends.ports),
      ]);
      await settle(theirs, ours, each);
      const arrange = (list: readonly string[]) => (order === "counts" ? [...list].sort() : list);
      const seen = [];
      for (const side of [theirs, ours]) {
        const answers: string[] = [];
        for (let number = 0; number < visits; number++) {
          answers.push(await visit(Number(side.ports[door]), silent));
          // The next one must find this one gone from the counts.
          if (each.unlogged !== true) await until("its line", () => side.logs.sessions().length > number);
        }
        seen.push({ answers: arrange(answers), lines: arrange(side.logs.sessions().map(essence)) });
      }
      expect(seen[1]).toEqual(seen[0] as NonNullable<(typeof seen)[0]>);
      if (file === "send-proxy") {
        const headers = backends.received("S1").match(/PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\n/g) ?? [];
        expect(headers.length).toBe(2);
      }
    });
  }
});

/** Waits until both say the same of every server. */
async function settle(theirs: Side, ours: Side, { otherStatus = [] }: Case): Promise<void> {
  const states = async (side: Side): Promise<Record<string, string>> => {
    const servers = [...(await side.servers())].sort(([a], [b]) => a.localeCompare(b));
    return Object.fromEntries(
      servers.map(([name, { status = "", check_status: check = "" }]) => {
        // Weight 0 is DRAIN; of a server that is not checked HAProxy says nothing else than that.
        const said = status === "DRAIN" && check === "" ? "no check" : status;
        return [name, otherStatus.includes(name) ? said : `${said} ${check.replace("* ", "")}`];
      }),
    );
  };
  let last = "";
  await until(
    "both to agree on their servers",
    async () => {
      const [a, b] = [JSON.stringify(await states(theirs)), JSON.stringify(await states(ours))];
      last = `${a}\n${b}`;
      return a === b && !/INI|\d+\/\d+/.test(a);
    },
    { timeoutMs: 10_000, everyMs: 50 },
  ).catch((failure: Error) => {
    throw new Error(`${failure.message}\n${last}\n${ours.running.output()}`);
  });
}
