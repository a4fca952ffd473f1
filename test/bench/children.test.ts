import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../support/until.ts";
import { BenchError, Children } from "./children.ts";
import { processTree } from "./procfs.ts";
import { waitFor } from "./waitFor.ts";

describe("the processes of a run", () => {
  let dir = "";
  let children = new Children("");
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "hl-"));
    children = new Children(dir);
  });
  afterEach(async () => {
    await children.stopAll();
    rmSync(dir, { recursive: true, force: true });
  });

  test("stop with everything below them, even when a grandchild outlives its parent's SIGTERM", async () => {
    const child = children.start("parent", [
      "sh",
      "-c",
      "sh -c 'trap \"\" TERM; echo up; while :; do sleep 0.1; done' & wait",
    ]);
    await until("the grandchild", () => child.output().includes("up"));
    const grandchild = processTree(child.pid)[1]?.pid;
    expect(grandchild).toBeNumber();
    await children.stop(child);
    expect(child.ended()).toBe(true);
    await until("the grandchild to be gone", () => processTree(grandchild ?? 0).length === 0);
  });

  test("that fail to start are reported with their last words", async () => {
    const child = children.start("broken", ["sh", "-c", "echo cannot bind >&2; exit 1"]);
    await expect(waitFor(child, "to listen", async () => false)).rejects.toThrow(
      /broken failed to listen \(it ended\)[\s\S]*cannot bind/,
    );
  });

  test("that run to an end give their output, or an error with what they said", async () => {
    expect(await children.run(["sh", "-c", "echo fine"], 5000)).toBe("fine\n");
    await expect(children.run(["sh", "-c", "echo refused >&2; exit 3"], 5000)).rejects.toThrow(/ended with 3: refused/);
  });

  test("that hang are killed at their limit", async () => {
    await expect(children.run(["sleep", "60"], 100)).rejects.toThrow(BenchError);
  });
});
