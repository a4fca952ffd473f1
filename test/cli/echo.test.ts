import { describe, expect, test } from "bun:test";
import { client } from "../support/client.ts";
import { serve } from "../support/echo.ts";
import { freePort } from "../support/ports.ts";
import { binary, run, start } from "../support/process.ts";

describe("echo", () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "sends back what it gets, answers a FIN with its own, and ends on %s",
    async (signal) => {
      const port = freePort();
      const echo = start([binary(), "echo", `127.0.0.1:${port}`]);
      await echo.waitFor(`echo server ${echo.pid} on 127.0.0.1:${port}`);
      const one = client(port);
      const block = "0123456789".repeat(100_000);
      one.send(block).catch(() => {});
      expect(await one.receive(block.length)).toBe(block);
      one.fin();
      expect(await one.ended).toBe("fin");
      expect(await echo.stop({ signal })).toEqual({ code: 0, signal: null });
    },
  );

  test("on an address that is taken: says so and exits with 1", async () => {
    const other = await serve({ kind: "echo" });
    const { code, stderr } = await run([binary(), "echo", other.address]);
    expect(stderr).toContain(`cannot listen on ${other.address}: bind: Address already in use\n`);
    expect(code).toBe(1);
  });
});
