import type { VrrpConfig } from "../../../src/config/schema.ts";
import type { Level } from "../../../src/core/syslogCodes.ts";
import type { VrrpSnapshot } from "../../../src/stats/vrrpSnapshot.ts";
import { Speaker } from "../../../src/vrrp/speaker.ts";
import type { TrackedState } from "../../../src/vrrp/trackerReports.ts";
import { FakeClock } from "../../support/fakeClock.ts";

/** Runs inside a namespace: a speaker on the real kernel, with time that passes when told to. Answers requests by IPC. */

const clock = new FakeClock();
let happened: Happening[] = [];
let speaker: Speaker | null = null;
let proxy: TrackedState = { state: "ok", detail: "" };

/** What the speaker's observer heard: "VI_1 BACKUP > MASTER", "VI_1 STOP", "group edge MASTER", or a line of the log. */
export interface Happening {
  readonly level: Level | null;
  readonly text: string;
}

function note(text: string, level: Level | null = null): void {
  happened.push({ level, text });
}

function running(): Speaker {
  if (speaker === null) throw new Error("no speaker was started");
  return speaker;
}

/** What can be asked of it. */
export const calls = {
  start(config: VrrpConfig): void {
    speaker = new Speaker(config, {
      clock,
      hostName: "here",
      handoff: null,
      health: { proxy: () => proxy, listen: () => ({ state: "unknown", detail: "" }) },
      observer: {
        onLog: (level, text) => note(text, level),
        onTransition: ({ name }, { from, to, cause }) => note(`${name} ${from} > ${to}: ${cause}`),
        onGroup: (group, state) => note(`group ${group} ${state}`),
        onRival: ({ name }) => note(`${name} rival`),
        onDeleted: ({ name }) => note(`${name} DELETED`),
        onStopped: ({ name }) => note(`${name} STOP`),
        onChange: () => {},
      },
    });
  },
  /** Time passes, a little at a time, with a look at what the kernel has to say in between. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 10) {
      clock.pass(10);
      if (passed % 100 === 0) await Bun.sleep(0);
    }
  },
  reload: (config: VrrpConfig): string[] => running().reload(config),
  proxyIs(state: TrackedState): void {
    proxy = state;
    running().healthChanged();
  },
  snapshot: (): VrrpSnapshot => running().snapshot(),
  stop: (): void => running().stop(),
  /** All that happened since the last call. */
  take(): Happening[] {
    const taken = happened;
    happened = [];
    return taken;
  },
};

export type SpeakerCalls = typeof calls;

export interface SpeakerRequest {
  readonly id: number;
  readonly name: keyof SpeakerCalls;
  readonly args: readonly unknown[];
}

export type SpeakerReply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly failure: string };

process.on("disconnect", () => process.exit(0));
if (process.send !== undefined) {
  process.on("message", async ({ id, name, args }: SpeakerRequest) => {
    try {
      const call = calls[name] as (...args: readonly unknown[]) => unknown;
      process.send?.({ id, result: await call(...args) });
    } catch (error) {
      process.send?.({ id, failure: (error as Error).stack ?? String(error) });
    }
  });
}
