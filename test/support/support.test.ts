import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { client } from "./client.ts";
import { refusingAddress, serve } from "./echo.ts";
import { canMakeNetns, lan, link, makeNetns } from "./netns.ts";
import { freePorts } from "./ports.ts";
import { run, start } from "./process.ts";
import { countSummary, skippedByFile } from "./tally.ts";
import { tmpDir } from "./tmp.ts";
import { until } from "./until.ts";

const SUPPORT = import.meta.dir;

describe("processes", () => {
  test("a line is waited for, and the failure shows everything that was said", async () => {
    const shell = start(["sh", "-c", "echo one; sleep 0.05; echo two >&2; sleep 60"]);
    expect(await shell.waitFor(/tw./)).toBe("two");
    await expect(shell.waitFor("three", { timeoutMs: 20 })).rejects.toThrow(
      /three not in 20 ms: .*running\) said:\none\ntwo/s,
    );
    expect(await shell.stop()).toEqual({ code: null, signal: "SIGTERM" });
  });

  test("a wait ends at once when the process does", async () => {
    const shell = start(["sh", "-c", "echo sorry; exit 7"]);
    await expect(shell.waitFor("ready", { timeoutMs: 60_000 })).rejects.toThrow(/exited with 7\) said:\nsorry/);
    expect(await shell.exited).toEqual({ code: 7, signal: null });
  });

  test("one that ignores SIGTERM is killed, and that is a failure", async () => {
    const shell = start(["sh", "-c", "trap '' TERM; echo up; while :; do sleep 1; done"]);
    await shell.waitFor("up");
    await expect(shell.stop({ timeoutMs: 100 })).rejects.toThrow(/still there 100 ms after SIGTERM/);
    expect((await shell.exited).signal).toBe("SIGKILL");
  });

  test("what a test leaves behind is gone after it, grandchildren too, even when it fails", async () => {
    const dir = tmpDir();
    const inner = join(dir, "inner.test.ts");
    await Bun.write(
      inner,
      `import { beforeAll, expect, test } from "bun:test";
       import { start } from ${JSON.stringify(join(SUPPORT, "process.ts"))};
       import { tmpDir } from ${JSON.stringify(join(SUPPORT, "tmp.ts"))};
       let shared;
       beforeAll(async () => {
         shared = start(["sleep", "300"]);
         console.log("PIDS", shared.pid, tmpDir());
       });
       let mine;
       test("fails", async () => {
         mine = start(["sh", "-c", "sleep 301 & echo $!; wait"]);
         const grandchild = (await mine.waitFor(/\\d+\\n/)).trim();
         console.log("PIDS", mine.pid, grandchild, tmpDir());
         expect(1).toBe(2);
       });
       test("the next one", () => {
         console.log("BETWEEN", shared.alive(), mine.alive());
       });`,
    );
    const { stdout, stderr, code } = await run([process.execPath, "test", inner]);
    expect({ code, between: /BETWEEN .*/.exec(stdout)?.[0], stderr: stderr.slice(-500) }).toMatchObject({
      code: 1,
      between: "BETWEEN true false",
    });
    const left = [...stdout.matchAll(/^PIDS (.*)$/gm)].flatMap(([, words = ""]) => words.split(" "));
    expect(left.length).toBe(5);
    expect(left.filter((it) => existsSync(it.startsWith("/") ? it : `/proc/${it}/fd/0`))).toEqual([]);
  });
});

describe("scripted servers and clients", () => {
  test("echo: the answer comes after the client's FIN, then the server's FIN", async () => {
    const server = await serve({ kind: "echo" });
    const c = client(server.port);
    await c.send("hello");
    c.fin();
    expect(await c.receive("hello")).toBe("hello");
    expect(await c.ended).toBe("fin");
    expect({ accepted: server.accepted, bytes: server.receivedBytes }).toEqual({ accepted: 1, bytes: 5 });
  });

  test("late: the reply comes long after the client's FIN", async () => {
    const server = await serve({ kind: "late", reply: "late", delayMs: 30 });
    const c = client(server.port);
    await c.connected;
    c.fin();
    expect(await c.receive(4)).toBe("late");
  });

  test("rst: the client sees ECONNRESET", async () => {
    const server = await serve({ kind: "rst", bytes: 3 });
    const c = client(server.port);
    await c.send("abc");
    expect(await c.ended).toBe("ECONNRESET");
  });

  test("a client's RST reaches the server as one", async () => {
    const seen = Promise.withResolvers<string | undefined>();
    const server = await serve({
      kind: "custom",
      run: (socket) => {
        socket.write("x");
        socket.on("error", (failure: NodeJS.ErrnoException) => seen.resolve(failure.code));
      },
    });
    const c = client(server.port);
    await c.receive("x");
    c.rst();
    expect(await seen.promise).toBe("ECONNRESET");
  });

  test("deaf: nothing is read, so a big write never completes", async () => {
    const server = await serve({ kind: "deaf" });
    const c = client(server.port);
    await c.connected;
    const sent = c.send(new Uint8Array(32 << 20)).then(() => "sent");
    sent.catch(() => {});
    expect(await Promise.race([sent, Bun.sleep(100).then(() => "stuck")])).toBe("stuck");
    expect(server.receivedBytes).toBe(0);
  });

  test("a stopped server resets its connections and refuses new ones until it is restarted", async () => {
    const server = await serve({ kind: "banner", text: "one" }, { host: "::1" });
    const c = client(server.address);
    await c.receive("one");
    await server.stop();
    expect(await c.ended).toBe("ECONNRESET");
    await expect(client(server.address).connected).rejects.toThrow("ECONNREFUSED");
    await server.restart();
    expect(await client(server.address).receive("one")).toBe("one");
    await expect(client(refusingAddress()).connected).rejects.toThrow("ECONNREFUSED");
  });

  test("a unix socket serves too", async () => {
    const server = await serve({ kind: "reply", reply: "bye" }, { path: join(tmpDir(), "s") });
    const c = client(server.address);
    await c.send("?");
    expect(await c.receive("bye")).toBe("bye");
    expect(await c.ended).toBe("fin");
  });
});

test("two test processes are never given the same port", async () => {
  // A second copy of the module begins its search at the same port, as another worker may.
  const copy = "./ports.ts?another-process";
  const other = (await import(copy)) as typeof import("./ports.ts");
  const mine = freePorts(5);
  const theirs = other.freePorts(200);
  expect(new Set([...mine, ...theirs]).size).toBe(205);
  expect([...mine, ...theirs].every((port) => port >= 20000 && port < 32768)).toBe(true);
});

test("a condition that never holds fails with what was seen last", async () => {
  await expect(until("a miracle", () => 0, { timeoutMs: 20 })).rejects.toThrow(
    "waited 20 ms for a miracle; last value: 0",
  );
  const throwing = (): never => {
    throw new Error("not here");
  };
  await expect(until("it", throwing, { timeoutMs: 20 })).rejects.toThrow("waited 20 ms for it; last error: not here");
});

describe.skipIf(!canMakeNetns())("namespaces", () => {
  test("two hosts on a cable, and three on one Ethernet, reach each other", async () => {
    const [a, b, c] = [await makeNetns(), await makeNetns(), await makeNetns()];
    await link(
      { ns: a, device: "wire0", addresses: ["192.0.2.1/24"] },
      { ns: b, device: "wire0", addresses: ["192.0.2.2/24"] },
    );
    await lan(
      [a, b, c].map((ns, index) => ({ ns, addresses: [`198.51.100.${index + 1}/24`, `2001:db8::${index + 1}/64`] })),
    );
    const paths = [
      { from: a, host: "192.0.2.2" },
      { from: c, host: "198.51.100.2" },
      { from: c, host: "2001:db8::2" },
    ];
    for (const { from, host } of paths) {
      const listen = `Bun.listen({ hostname: "${host}", port: 7001, socket: { open(s) { s.end("hi") }, data() {} } })`;
      const listener = b.start([process.execPath, "-e", `${listen}; console.log("up")`]);
      await listener.waitFor("up");
      const dial = `Bun.connect({ hostname: "${host}", port: 7001, socket: { data(s, d) { console.log("" + d) } } })`;
      expect((await from.run([process.execPath, "-e", dial])).stdout).toBe("hi\n");
    }
  });
});

describe("the runner's count", () => {
  const summary =
    "\n 12 pass\n 3 skip\n 1 todo\n 2 fail\n 1 error\n 40 expect() calls\nRan 18 tests across 6 files. [38.00ms]\n";

  test("takes in errors outside tests and todos", () => {
    expect(countSummary(summary)).toEqual({ passed: 12, failed: 2, skipped: 4 });
    expect(countSummary(summary.replace("2 fail", "0 fail").replace("1 error", "3 errors")).failed).toBe(3);
    expect(countSummary(summary.replaceAll(/(\d+ pass)/g, "\x1b[32m$1\x1b[0m"))).toMatchObject({ passed: 12 });
  });

  test("is a failure when the run was cut short", () => {
    expect(countSummary("test/a.test.ts:\n(pass) x\n 12 pass\n")).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });

  test("knows the skipped tests of each file", () => {
    const junit = `<testcase name="a" file="test/a.test.ts" line="1" assertions="0" />
      <testcase name="b" file="test/a.test.ts" line="2"><skipped /></testcase>
      <testcase name="c" file="test/a.test.ts" line="3"><failure message="no">x</failure></testcase>
      <testcase name="d" file="test/b.test.ts" line="2"><skipped message="TODO" /></testcase>`;
    expect([...skippedByFile(junit)]).toEqual([
      ["test/a.test.ts", 1],
      ["test/b.test.ts", 1],
    ]);
  });
});
