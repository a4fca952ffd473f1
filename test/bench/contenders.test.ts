import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../support/ports.ts";
import { tool } from "../support/tools.ts";
import { Children } from "./children.ts";
import { PRODUCTS, type Stage, startOrigin, startProduct, writeProductConfig } from "./contenders.ts";

const haproxy = tool("haproxy");
const nginx = tool("nginx");

describe("the contenders", () => {
  let stage: Stage;
  beforeAll(() => {
    const dir = mkdtempSync(join(tmpdir(), "hl-"));
    stage = {
      children: new Children(dir),
      dir,
      haproxy: haproxy ?? "",
      binary: "",
      threads: 1,
      maxconn: 100,
      originHttpPort: freePort(),
      originBulkPort: freePort(),
      sinkPort: freePort(),
    };
  });
  afterAll(async () => {
    await stage.children.stopAll();
    rmSync(stage.dir, { recursive: true, force: true });
  });

  for (const key of PRODUCTS) {
    test(`${key} has a configuration with the run's ports, threads and limit`, async () => {
      const target = { httpPort: freePort(), loggedPort: freePort(), bulkPort: freePort() };
      const text = await Bun.file(
        await writeProductConfig({ ...stage, threads: 3, maxconn: 77 }, key, target, stage.dir),
      ).text();
      for (const port of [...Object.values(target), stage.originHttpPort, stage.originBulkPort, stage.sinkPort]) {
        expect(text).toContain(`127.0.0.1:${port}`);
      }
      expect(text).toMatch(/^ *(nb)?threads?( =)? 3$/m);
      expect(text).toMatch(/^ *maxconn( =)? 77$/m);
    });
  }

  test.skipIf(haproxy === null || nginx === null)("relay to the server behind them once they are started", async () => {
    await startOrigin(stage.children, nginx ?? "", stage.dir, stage.originHttpPort, 200);
    for (const key of ["haproxy", "haproxyTuned"] as const) {
      const running = await startProduct(stage, key);
      for (const port of [running.httpPort, running.loggedPort]) {
        expect(await (await fetch(`http://127.0.0.4:${port}/`)).text()).toBe("hello\n");
      }
      await stage.children.stop(running.child);
    }
  });
});
