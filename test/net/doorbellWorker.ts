import { answerDoorbell, ring } from "../../src/net/doorbell.ts";

/** What the thread is told: answer a doorbell, ring one so often, or be busy for a while. */
export type DoorbellJob =
  | { kind: "answer"; owner: number }
  | { kind: "ring"; ringer: number; times: number }
  | { kind: "busy"; forMs: number };

/** What the thread says: "answering", "rung" when its doorbell rang, "done". */
export type DoorbellReport = "answering" | "rung" | "done";

declare const self: Worker;

const say = (report: DoorbellReport): void => self.postMessage(report);

self.onmessage = ({ data: job }: MessageEvent<DoorbellJob>) => {
  switch (job.kind) {
    case "answer":
      answerDoorbell(job.owner, () => say("rung"));
      return say("answering");
    case "ring":
      for (let i = 0; i < job.times; i++) ring(job.ringer);
      return say("done");
    case "busy":
      for (const endMs = performance.now() + job.forMs; performance.now() < endMs; );
      return say("done");
  }
};
