/** Run by vrrpGaps.ts under `bun test`: one test per pair and timers, all at once, for they mostly wait. */
import { test } from "bun:test";
import { appendFileSync } from "node:fs";
import { freeze, killEverything, killProxy, plugCable, pullCable } from "../e2e/vrrp/support/faults.ts";
import { type Lan, makeLan } from "../e2e/vrrp/support/lan.ts";
import { type Node, pidsOf } from "../e2e/vrrp/support/node.ts";
import { type EchoServer, type Prober, startEcho, startProber } from "../e2e/vrrp/support/prober.ts";
import { classic, type Profile, startNode } from "../e2e/vrrp/support/profiles.ts";
import { masterDownMs } from "../e2e/vrrp/support/timing.ts";
import { until } from "../support/until.ts";
import type { Fault, Gap, Pair, Plan, Timers } from "./vrrpPlan.ts";

const PROFILES: Readonly<Record<Timers, Profile>> = {
  "v2 1 s": classic(2, 1000),
  "v3 1 s": classic(3, 1000),
  "v3 100 ms": classic(3, 100),
};

/** The other host has not taken over when this much more than detection and the down interval has passed. */
const NO_FAILOVER_MS = 6000;

/** After an election, so that its bursts and the clients' tables are not part of the next gap. */
const SETTLE_MS = 1000;

const plan = JSON.parse(process.env.VRRP_GAPS_PLAN ?? "") as Plan;
const gapsFile = process.env.VRRP_GAPS_FILE ?? "";

for (const timers of plan.timers)
  for (const pair of plan.pairs) test.concurrent(`${timers}, ${pair}`, () => rounds(pair, timers));

async function rounds(pair: Pair, timers: Timers): Promise<void> {
  const stage = await Stage.build(pair, PROFILES[timers]);
  for (let round = 0; round < plan.rounds; round++)
    for (const fault of plan.faults) {
      await stage.ready();
      // The fault comes at any moment between two adverts, evenly over the rounds.
      await Bun.sleep(((round + 0.5) / plan.rounds) * PROFILES[timers].advertMs);
      const gap: Gap = { pair, timers, fault, round, gapMs: await stage.gapOf(fault) };
      appendFileSync(gapsFile, `${JSON.stringify(gap)}\n`);
      await stage.mend();
    }
}

/** A pair, its servers, and a client in a loop. */
class Stage {
  private constructor(
    private readonly pair: Pair,
    private readonly profile: Profile,
    private readonly lan: Lan,
    private readonly prober: Prober,
    private first: Node,
    private server: EchoServer,
  ) {}

  static async build(pair: Pair, profile: Profile): Promise<Stage> {
    const lan = await makeLan();
    const server = await startEcho(lan.c, 5001, "A");
    const standby = await startEcho(lan.c, 5002, "B");
    await startNode(pair, profile, lan.b, "second", { server: standby.address });
    const first = await startNode(pair, profile, lan.a, "first", { server: server.address });
    return new Stage(pair, profile, lan, await startProber(lan.c), first, server);
  }

  /** Waits until the first host serves and nothing is left of an election. */
  async ready(): Promise<void> {
    const { atMs } = await this.prober.waitFor({ name: "A", sinceMs: Date.now() }, { timeoutMs: 20_000 });
    await Bun.sleep(SETTLE_MS);
    const since = this.prober.answers(atMs + SETTLE_MS / 2);
    if (since.some(({ name }) => name !== "A")) throw new Error("the election had not ended");
  }

  /** Lets the fault happen and measures; null when the other host does not take over. */
  async gapOf(fault: Fault): Promise<number | null> {
    const faultMs = Date.now();
    const done = this.strike(fault);
    const timeoutMs = masterDownMs(this.profile, 1) + NO_FAILOVER_MS;
    const gapMs = await this.prober.gapMs(faultMs, "B", { timeoutMs }).catch(() => null);
    await done;
    return gapMs;
  }

  /** Kills what is left of the first host, repairs what was broken, and starts it anew. */
  async mend(): Promise<void> {
    const { a } = this.lan;
    await killEverything(a);
    await until("the first host to be empty", async () => (await pidsOf(a)).length === 0);
    await plugCable(this.lan, a);
    await this.server.kill();
    this.server = await startEcho(this.lan.c, 5001, "A");
    this.first = await startNode(this.pair, this.profile, a, "first", { server: this.server.address });
  }

  private async strike(fault: Fault): Promise<void> {
    switch (fault) {
      case "clean stop":
        return this.first.stop();
      case "SIGKILL of the proxy process":
        return killProxy(this.first);
      case "SIGKILL of everything":
        return killEverything(this.lan.a);
      case "SIGSTOP of everything":
        await freeze(this.lan.a);
        return;
      case "link down":
        return pullCable(this.lan, this.lan.a);
      case "last server down":
        return this.server.kill();
    }
  }
}
