import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runOk } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { tool } from "../../support/tools.ts";
import { until } from "../../support/until.ts";
import { standOf } from "./support/pair.ts";
import { cannotMakeLan } from "./support/skip.ts";

const skip = cannotMakeLan();

/** A script that appends its name and arguments to a file, and the lines of that file. */
function recorder(): { script: string; lines(): string[] } {
  const dir = tmpDir();
  const [script, said] = [join(dir, "hook"), join(dir, "said")];
  writeFileSync(script, `#!/bin/sh\necho "$@" >> ${said}\n`);
  chmodSync(script, 0o755);
  return { script, lines: () => (existsSync(said) ? readFileSync(said, "utf8").trimEnd().split("\n") : []) };
}

describe("what a transition sets off", () => {
  test.skipIf(skip).concurrent(
    "scripts, with keepalived's arguments, in the order of the states",
    async () => {
      const { script, lines } = recorder();
      const hook = (name: string, ...args: string[]): string => `${name} = ${JSON.stringify([script, ...args])}`;
      const instance = [
        hook("notify", "any"),
        hook("notify_master", "is-master"),
        hook("notify_backup", "is-backup"),
        hook("notify_stop", "is-stopped"),
      ].join("\n");
      const { first } = await standOf({ second: null, a: { instance } });
      await until("the scripts of MASTER", () => lines().includes("any INSTANCE VI_1 MASTER 101"));
      await first.stop();
      expect(lines().filter((line) => line.startsWith("any "))).toEqual([
        "any INSTANCE VI_1 BACKUP 101",
        "any INSTANCE VI_1 MASTER 101",
        "any INSTANCE VI_1 STOP 101",
      ]);
      expect(lines().filter((line) => !line.startsWith("any "))).toEqual(["is-backup", "is-master", "is-stopped"]);
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "the script of a deleted router, when a reload removes [vrrp]",
    async () => {
      const { script, lines } = recorder();
      const instance = `notify = ${JSON.stringify([script, "any"])}\nnotify_deleted = ${JSON.stringify([script, "gone"])}`;
      const { first } = await standOf({ second: null, a: { instance } });
      await until("the script of MASTER", () => lines().includes("any INSTANCE VI_1 MASTER 101"));
      const file = first.proxy.configFile;
      writeFileSync(file, readFileSync(file, "utf8").replace(/^\[vrrp\][\s\S]*?(?=^\[admin\])/m, ""));
      first.proxy.process.signal("SIGHUP");
      await until("the script of the deleted one", () => lines().includes("any INSTANCE VI_1 DELETED 101"));
      expect(lines()).toContain("gone");
      expect(lines()).not.toContain("any INSTANCE VI_1 STOP 101");
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "lines in the FIFO, as keepalived writes them",
    async () => {
      const fifo = join(tmpDir(), "fifo");
      await runOk(["mkfifo", fifo]);
      const heard = join(tmpDir(), "heard");
      // A reader that holds both ends, so that it outlives a writer that comes and goes.
      const { lan } = await standOf({ second: null, a: { vrrp: `notify_fifo = "${fifo}"` } });
      lan.c.ns.start(["sh", "-c", `exec cat <> ${fifo} > ${heard}`]);
      await until("the line of MASTER", () => readFileSync(heard, "utf8").includes('INSTANCE "VI_1" MASTER 101\n'));
    },
    60_000,
  );

  test.skipIf(skip || tool("aiosmtpd") === null).concurrent(
    "a mail, to a real mail server on the host",
    async () => {
      const mail = '[vrrp.mail]\nto = ["ops@example.com"]\nfrom = "lb01@example.com"\nsmtp_server = "10.9.0.3:2525"';
      const { lan } = await standOf({
        second: null,
        a: { instance: "mail = true", vrrp: 'router_id = "lb01"', more: mail },
      });
      const sink = lan.c.ns.start([
        "aiosmtpd",
        "-n",
        "-l",
        "0.0.0.0:2525",
        "-c",
        "aiosmtpd.handlers.Debugging",
        "stdout",
      ]);
      // The server was not there yet when the states changed: the mails wait for it.
      await sink.waitFor(/Subject: \[lb01\] VRRP Instance VI_1 - Entering MASTER state/, { timeoutMs: 25_000 });
      expect(sink.output()).toMatch(/To: ops@example\.com/);
    },
    60_000,
  );
});
