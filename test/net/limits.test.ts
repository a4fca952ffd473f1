import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { fileLimit } from "../../src/net/limits.ts";
import { runOk } from "../support/process.ts";
import { root } from "../support/tools.ts";

const child = [process.execPath, new URL("./limitsChild.ts", import.meta.url).pathname];

/** Runs the child as `uid` with a soft limit of 100 and a hard one of 700, and tells what each raise came to. */
async function raise(uid: number, ...wanted: number[]): Promise<{ answers: number[]; soft: number; hard: number }> {
  const args = [uid, 100, ...wanted].map(String);
  const { before, answers, after, kernel } = JSON.parse(
    await runOk(["sh", "-c", 'ulimit -n 700 && exec "$@"', "sh", ...child, ...args]),
  );
  expect(before).toEqual({ soft: 100, hard: 700 });
  expect(kernel).toEqual([after.soft, after.hard]);
  return { answers, ...after };
}

describe("the file limit", () => {
  test("is what the kernel says", async () => {
    const { soft, hard } = fileLimit();
    expect(soft).toBeGreaterThan(0);
    expect(hard).toBeGreaterThanOrEqual(soft);
    const own = await Bun.file("/proc/self/limits").text();
    expect(own.replace(/ +/g, " ")).toContain(`Max open files ${soft} ${hard} `);
  });

  test("is raised to what is wanted, and never lowered", async () => {
    expect(await raise(0, 300, 200)).toEqual({ answers: [300, 300], soft: 300, hard: 700 });
  });

  test("is raised beyond the hard limit where the process may, and else to it", async () => {
    const reached = mayRaise() ? 1000 : 700;
    expect(await raise(0, 1000)).toEqual({ answers: [reached], soft: reached, hard: reached });
  });

  test.skipIf(!root())("stops at the hard limit for an ordinary user, who is told so", async () => {
    expect(await raise(65534, 1000)).toEqual({ answers: [700], soft: 700, hard: 700 });
  });
});

/** Whether this process has CAP_SYS_RESOURCE (bit 24 of capabilities(7)); root in a container may be without it. */
function mayRaise(): boolean {
  const effective = /CapEff:\s*([0-9a-f]+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  return (BigInt(`0x${effective}`) & (1n << 24n)) !== 0n;
}
