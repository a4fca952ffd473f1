import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startProxy } from "../../support/instance.ts";
import { freePort } from "../../support/ports.ts";
import { binary, run } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { toml } from "./stand.ts";

const DENIED = [process.execPath, join(import.meta.dir, "../../support/confine.ts"), "--no-executable-memory", "--"];
/** A kernel before 6.3 cannot deny it in this way. */
const canDeny = (await run([...DENIED, "true"])).code === 0;

async function serveOnce(prefix: string[], env: Record<string, string> = {}, command = "serve") {
  const file = join(tmpDir(), "haproxy-lite.toml");
  writeFileSync(file, toml({ port: freePort(), servers: [] }));
  return await run([...prefix, binary(), command, "-c", file], { env });
}

/** Address space of so many MiB. */
const within = (mib: number): string[] => ["sh", "-c", `ulimit -v ${mib * 1024}; exec "$0" "$@"`];

describe("without its just-in-time compiler the program does not start, and says why:", () => {
  test.skipIf(!canDeny)("writable and executable memory is denied, as by MemoryDenyWriteExecute=", async () => {
    const { code, stderr } = await serveOnce(DENIED);
    expect(stderr).toContain("the just-in-time compiler is off, and nothing works without it\n");
    expect(stderr).toContain("remove MemoryDenyWriteExecute= from the unit, or allow execmem in SELinux");
    expect(code).toBe(1);
  });

  test("the address space is too small", async () => {
    const { code, stderr } = await serveOnce(within(2048));
    expect(stderr).toContain(
      "the address space is limited to 2048 MiB (ulimit -v, LimitAS=) and the runtime wants 4096: limit memory with MemoryMax= instead",
    );
    expect(code).toBe(1);
  });

  test("it was switched off", async () => {
    const { code, stderr } = await serveOnce([], { BUN_JSC_useJIT: "0" });
    expect(stderr).toContain("BUN_JSC_useJIT=0 in the environment: remove it");
    expect(code).toBe(1);
  });
});

describe("check warns of what would keep the program from starting:", () => {
  const warned = async (prefix: string[], env: Record<string, string> = {}): Promise<string> => {
    const { code, stderr } = await serveOnce(prefix, env, "check");
    expect(code).toBe(0);
    return stderr;
  };

  test.skipIf(!canDeny)("memory that may not be executable", async () => {
    expect(await warned(DENIED)).toContain(
      "warning: the just-in-time compiler is off, and nothing works without it: this process may not have memory",
    );
  });

  test("an address space that is too small, or may become so", async () => {
    for (const mib of [2048, 3072])
      expect(await warned(within(mib))).toContain(`the address space is limited to ${mib} MiB (ulimit -v, LimitAS=)`);
    expect(await warned(within(4096))).not.toContain("address space");
  });

  test("a compiler that was switched off", async () => {
    expect(await warned([], { BUN_JSC_useJIT: "0" })).toContain("BUN_JSC_useJIT=0 in the environment: remove it");
  });
});

test("an address space that may become too small is warned of, and one of 4 GiB is not", async () => {
  const text = toml({ port: freePort(), servers: [] });
  const small = await startProxy(text, { inside: within(3072) });
  expect(small.output()).toContain("warning the address space is limited to 3072 MiB (ulimit -v, LimitAS=)");
  await small.stop();
  const enough = await startProxy(text, { inside: within(4096) });
  expect(enough.output()).not.toContain("address space");
});
