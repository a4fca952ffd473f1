import { describe, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { serve } from "../../support/echo.ts";
import { freePort } from "../../support/ports.ts";
import { binary, type Running, run, start } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { until } from "../../support/until.ts";
import { exchange } from "./load.ts";
import { isRunning, logLines, proxyPid, toml } from "./stand.ts";

/** The program run from source, with the saboteur inside. */
async function startSabotaged(
  threads: number,
): Promise<{ program: Running; port: number; sabotage: (how: "throw" | "hang") => void }> {
  const echo = await serve({ kind: "echo" });
  const [port, dir] = [freePort(), tmpDir()];
  const [file, order] = [join(dir, "haproxy-lite.toml"), join(dir, "order")];
  // Sources, unlike the executable's own, must be readable for whom the proxy process becomes: root here.
  writeFileSync(
    file,
    toml({ port, threads, servers: [echo], global: 'user = "root"', more: `[admin]\nsocket = "${dir}/admin.sock"` }),
  );
  const program = start([process.execPath, "src/main.ts", "serve", "-c", file], {
    env: { BUN_OPTIONS: `--preload=${join(import.meta.dir, "saboteur.ts")}`, SABOTAGE: order },
  });
  await program.waitFor(/\bready\b/);
  return { program, port, sabotage: (how) => writeFileSync(order, how) };
}

/** The one alert says this; the process that failed is gone, and the next one serves. */
async function expectReplaced(program: Running, port: number, failed: number, reason: RegExp): Promise<void> {
  await program.waitFor(/proxy process \d+ is serving again/, { timeoutMs: 20_000 });
  expect(isRunning(failed)).toBeFalse();
  expect(proxyPid(program)).not.toBe(failed);
  expect(logLines(program, "alert").join("\n")).toMatch(reason);
  for (let i = 0; i < 8; i++) expect(await exchange(port, "served again")).toBe("served");
}

describe("an error that nobody foresaw", () => {
  test("in control: the proxy process dies with its stack on stderr and is replaced", async () => {
    const { program, port } = await startSabotaged(1);
    const failing = proxyPid(program);
    process.kill(failing, "SIGUSR2");
    await expectReplaced(program, port, failing, /proxy process ended unexpectedly \(exit status 1\)/);
    expect(program.stderr()).toContain("error: sabotage in control");
  });

  test("in a relay thread: the whole proxy process dies, says which thread and why, and is replaced", async () => {
    const { program, port, sabotage } = await startSabotaged(2);
    const failing = proxyPid(program);
    sabotage("throw");
    await until("the proxy process to end", () => !isRunning(failing));
    rmSync(join(program.command.split(" -c ")[1] ?? "", "../order"));
    await expectReplaced(
      program,
      port,
      failing,
      /proxy process ended unexpectedly \(relay thread [01]: .*sabotage in a thread/,
    );
  });

  test("that keeps a relay thread from ever looking up again: the process is replaced", async () => {
    const { program, port, sabotage } = await startSabotaged(2);
    const failing = proxyPid(program);
    sabotage("hang");
    const socket = join(program.command.split(" -c ")[1] ?? "", "../admin.sock");
    await until("status to say so", async () =>
      (await run([binary(), "status", "--socket", socket])).stdout.includes(
        "hangs: its event loop has not turned for seconds; the proxy process will be replaced",
      ),
    );
    await until("the proxy process to end", () => !isRunning(failing), { timeoutMs: 20_000 });
    rmSync(join(program.command.split(" -c ")[1] ?? "", "../order"));
    await expectReplaced(program, port, failing, /\(relay thread [01]: its event loop has not turned for 10 s\)/);
  }, 40_000);

  test("in the supervisor: it dies, and the proxy process finishes and follows", async () => {
    const { program } = await startSabotaged(1);
    const child = proxyPid(program);
    program.signal("SIGUSR2");
    expect((await program.exited).code).toBe(1);
    await until("the proxy process to end", () => !isRunning(child));
  });
});
