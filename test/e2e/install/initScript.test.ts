import { beforeAll, describe, expect, test } from "bun:test";
import { freePorts } from "../../support/ports.ts";
import type { Result } from "../../support/process.ts";
import { tool } from "../../support/tools.ts";
import { until } from "../../support/until.ts";
import { COPY, canMakeHost, type Host, makeHost } from "./host.ts";

const CONFIG = "/etc/haproxy-lite/haproxy-lite.toml";
const SCRIPT = "/etc/init.d/haproxy-lite";
const PID_FILE = "/run/haproxy-lite/haproxy-lite.pid";
const LOCK_FILE = "/var/lock/subsys/haproxy-lite";

/** Statuses of LSB 5.0, "Init Script Actions". */
const LSB = { ok: 0, usage: 2, privilege: 4, notInstalled: 5, notConfigured: 6, notRunning: 7 } as const;
const STATUS = { running: 0, deadWithPidFile: 1, deadWithLock: 2, notRunning: 3, unknown: 4 } as const;

// One host for the file: its tests are the life of a service, in order. Debian without systemd as its first process.
describe.skipIf(!canMakeHost())("a host without systemd", () => {
  let host: Host;
  const [listen = 0] = freePorts(1);
  const script = (...args: string[]): Promise<Result> => host.run([SCRIPT, ...args], { timeoutMs: 60_000 });
  const code = async (...args: string[]): Promise<number | null> => (await script(...args)).code;
  const pid = async (): Promise<number> => Number(await host.read(PID_FILE));
  const asNobody = (...cmd: string[]): Promise<Result> =>
    host.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", ...cmd]);

  beforeAll(async () => {
    host = await makeHost();
    // As on RHEL.
    await host.sh("rm -rf /var/lock; mkdir -p /run/lock/subsys; ln -s /run/lock /var/lock");
  });

  test("is given program, account, directories and script", async () => {
    const said = await host.run([COPY, "install"]);
    expect(said).toMatchObject({ code: 0, stderr: "" });
    expect((await host.run(["cmp", COPY, "/usr/sbin/haproxy-lite"])).code).toBe(0);
    const account = (await host.run(["getent", "passwd", "haproxy-lite"])).stdout;
    expect(account).toMatch(
      /^haproxy-lite:[^:]*:\d{3}:\d{3}:[^:]*:\/var\/lib\/haproxy-lite:(\/usr)?\/sbin\/nologin\n$/,
    );
    const listed = await host.sh(`stat -c '%a %U:%G %n' /var/log/haproxy-lite ${CONFIG} ${SCRIPT}`);
    expect(listed.stdout.trim().split("\n")).toEqual([
      "700 haproxy-lite:haproxy-lite /var/log/haproxy-lite",
      `640 root:haproxy-lite ${CONFIG}`,
      `755 root:root ${SCRIPT}`,
    ]);
    expect((await host.sh("cat /proc/sys/net/ipv4/ip_nonlocal_bind")).stdout).toBe("1\n");
    expect((await host.sh("readlink -f /etc/rc3.d/S86haproxy-lite")).stdout).toBe(`${SCRIPT}\n`);
  });

  test("has its files labelled, where SELinux is on", async () => {
    // Neither its file system nor its policy can be had here: only the order to the tool that knows them is seen.
    await host.sh(`
      mkdir -p /opt/sys/fs/selinux; echo 1 >/opt/sys/fs/selinux/enforce
      printf '#!/bin/sh\\nprintf "%%s\\\\n" "$@" >/opt/labelled\\n' >/usr/local/sbin/restorecon
      chmod 755 /usr/local/sbin/restorecon; mount --bind /opt/sys /sys; rm /etc/sysctl.d/90-haproxy-lite.conf`);
    expect((await host.run([COPY, "install"])).code).toBe(0);
    await host.sh("umount /sys; rm /usr/local/sbin/restorecon");
    expect(await host.read("/opt/labelled")).toBe("-F\n/etc/sysctl.d/90-haproxy-lite.conf\n");
  });

  test("is left as it is by a second installation, from the installed program too", async () => {
    for (const program of [COPY, "/usr/sbin/haproxy-lite"]) {
      const said = await host.run([program, "install"]);
      expect(said.code).toBe(0);
      expect(said.stdout).not.toMatch(/^(create|change|remove|run) /m);
    }
  });

  describe("the init script", () => {
    test("stopped: status 3, nothing to reload, stop and condrestart have nothing to do", async () => {
      expect(await code("status")).toBe(STATUS.notRunning);
      expect(await code("reload")).toBe(LSB.notRunning);
      expect(await code("force-reload")).toBe(LSB.notRunning);
      for (const verb of ["stop", "condrestart", "try-restart"]) expect(await code(verb)).toBe(LSB.ok);
      expect(await code("status")).toBe(STATUS.notRunning);
    });

    test("shows its usage for a verb that it does not know, none, or more than one", async () => {
      for (const args of [["sing"], [], ["start", "now"]]) {
        const said = await script(...args);
        expect(said).toMatchObject({ code: LSB.usage, stdout: "" });
        expect(said.stderr).toContain("{start|stop|restart|condrestart|try-restart|reload|force-reload|status}");
      }
    });

    test("starts, once; status says the pid", async () => {
      await host.write(
        CONFIG,
        (await host.read(CONFIG)).replaceAll(":14900", `:${listen}`).replace("127.0.0.1:514", "stdout"),
      );
      expect(await code("start")).toBe(LSB.ok);
      const first = await pid();
      expect((await script("status")).stdout).toContain(`(pid ${first})`);
      expect(await script("start")).toMatchObject({ code: LSB.ok });
      expect(await pid()).toBe(first);
      expect(await code("status")).toBe(STATUS.running);
      expect((await host.sh(`test -f ${LOCK_FILE}`)).code).toBe(0);
      const listed = (await host.run(["ps", "-eo", "user:20=,args="])).stdout;
      const owner = (args: string): string | undefined => new RegExp(`^(\\S+) +.*${args}`, "m").exec(listed)?.[1];
      expect([owner("haproxy-lite serve"), owner("haproxy-lite \\(proxy\\)")]).toEqual(["root", "haproxy-lite"]);
    });

    test("tells anybody whether it runs, and lets nobody but root do anything", async () => {
      expect((await asNobody(SCRIPT, "status")).code).toBe(STATUS.running);
      for (const verb of ["start", "stop", "restart", "condrestart", "try-restart", "reload", "force-reload"])
        expect((await asNobody(SCRIPT, verb)).code).toBe(LSB.privilege);
      expect(await code("status")).toBe(STATUS.running);
    });

    test("reloads, in the same process", async () => {
      const first = await pid();
      for (const verb of ["reload", "force-reload"]) expect(await code(verb)).toBe(LSB.ok);
      expect(await pid()).toBe(first);
      expect(await code("status")).toBe(STATUS.running);
    });

    test("restarts, by every name", async () => {
      for (const verb of ["restart", "condrestart", "try-restart"]) {
        const before = await pid();
        expect(await code(verb)).toBe(LSB.ok);
        expect(await pid()).not.toBe(before);
      }
    });

    test("lets a configuration with errors reach neither a reload nor a restart", async () => {
      const [first, good] = [await pid(), await host.read(CONFIG)];
      await host.write(CONFIG, good.replace("maxconn = 4096", "maxcon = 4096"));
      for (const verb of ["reload", "restart", "try-restart"]) {
        const said = await script(verb);
        expect(said.code).toBe(LSB.notConfigured);
        expect(said.stderr).toContain("maxconn");
      }
      expect(await pid()).toBe(first);
      expect(await code("status")).toBe(STATUS.running);
      expect(await code("stop")).toBe(LSB.ok);
      expect(await code("start")).toBe(LSB.notConfigured);
      await host.write(CONFIG, good);
    });

    test("works with every valid configuration, also one without a pid file or with another", async () => {
      const good = await host.read(CONFIG);
      const others = ["# pidfile", 'pidfile = "/run/other.pid"', `"pidfile"="/run/other.pid" # ${"x".repeat(20)}`];
      for (const line of others) {
        await host.write(CONFIG, good.replace(/^pidfile = .*/m, line));
        expect(await script("start")).toMatchObject({ code: LSB.ok });
        expect(await code("status")).toBe(STATUS.running);
        expect(await code("reload")).toBe(LSB.ok);
        // Whatever the file has come to say meanwhile.
        await host.write(CONFIG, good);
        expect(await script("stop")).toMatchObject({ code: LSB.ok, stdout: "haproxy-lite: stopped\n" });
        expect((await host.sh(`ls ${PID_FILE} /run/other.pid`)).stdout).toBe("");
      }
    });

    test("says 5 without its program, 6 without a configuration", async () => {
      const good = await host.read(CONFIG);
      await host.sh(`mv ${CONFIG} ${CONFIG}.away`);
      expect(await code("start")).toBe(LSB.notConfigured);
      await host.sh(`mv ${CONFIG}.away ${CONFIG}`);
      await host.write(CONFIG, good);
      await host.sh("chmod 600 /usr/sbin/haproxy-lite");
      expect(await code("start")).toBe(LSB.notInstalled);
      await host.sh("chmod 755 /usr/sbin/haproxy-lite");
    });

    test("tells a crash from a stop, and starts after it", async () => {
      expect(await code("start")).toBe(LSB.ok);
      await host.sh(`kill -KILL ${await pid()}`);
      await until("the crash to be seen", async () => (await code("status")) === STATUS.deadWithPidFile);
      expect(await code("reload")).toBe(LSB.notRunning);
      await host.sh(`rm ${PID_FILE}`);
      expect(await code("status")).toBe(STATUS.deadWithLock);
      await host.write(PID_FILE, "4194301\n");
      expect(await code("start")).toBe(LSB.ok);
      expect(await code("status")).toBe(STATUS.running);
    });

    test("takes a process that has got the number since for another", async () => {
      expect(await code("stop")).toBe(LSB.ok);
      await host.write(PID_FILE, "1\n");
      expect(await code("status")).toBe(STATUS.deadWithPidFile);
      expect(await code("stop")).toBe(LSB.ok);
      expect((await host.sh("kill -0 1")).code).toBe(0);
      await host.write(PID_FILE, "nonsense\n");
      expect(await code("status")).toBe(STATUS.deadWithPidFile);
      await host.sh(`rm ${PID_FILE}`);
    });

    test("cannot tell when it may not read the pid file", async () => {
      await host.sh(`touch ${PID_FILE}; chmod 600 ${PID_FILE}`);
      expect((await asNobody(SCRIPT, "status")).code).toBe(STATUS.unknown);
      await host.sh(`rm ${PID_FILE}`);
    });

    test("knows its process also after the program was replaced", async () => {
      expect(await code("start")).toBe(LSB.ok);
      await host.sh("cp /usr/sbin/haproxy-lite /usr/sbin/x && mv /usr/sbin/x /usr/sbin/haproxy-lite");
      expect(await code("status")).toBe(STATUS.running);
    });
  });

  test.skipIf(tool("sudo") === null)(
    "lets the service account operate the service by sudo, and nothing else",
    async () => {
      const sudo = (...cmd: string[]): Promise<Result> =>
        host.run(["setpriv", "--reuid=haproxy-lite", "--regid=haproxy-lite", "--init-groups", "sudo", "-n", ...cmd]);
      expect((await sudo(SCRIPT, "stop")).code).toBe(0);
      expect((await sudo(SCRIPT, "start")).code).toBe(0);
      expect((await sudo(SCRIPT, "reload")).code).toBe(0);
      expect((await sudo(SCRIPT, "status")).stdout).toContain("running");
      for (const cmd of [[SCRIPT, "restart"], [SCRIPT], ["id"], [SCRIPT, "stop", "now"]]) {
        const said = await sudo(...cmd);
        expect({ cmd, code: said.code, stderr: said.stderr }).toMatchObject({
          cmd,
          code: 1,
          stderr: expect.stringContaining("password is required") as unknown as string,
        });
      }
      expect(await code("status")).toBe(STATUS.running);
    },
  );

  test("loses it all again: the service is stopped, the edited configuration kept, until --purge", async () => {
    const running = await pid();
    expect(await host.run([COPY, "uninstall"])).toMatchObject({ code: 0, stderr: "" });
    expect((await host.sh(`kill -0 ${running}`)).code).not.toBe(0);
    const places = "/etc /usr/sbin /usr/local/share /usr/share/bash-completion /var/lib /var/log";
    const names = "-name haproxy-lite -o -name 'haproxy-lite.*' -o -name '???haproxy-lite*'";
    const left = `find ${places} ${names}`;
    expect((await host.sh(left)).stdout.trim().split("\n").sort()).toEqual([
      "/etc/haproxy-lite",
      CONFIG,
      "/var/lib/haproxy-lite",
    ]);
    expect((await host.run([COPY, "uninstall", "--purge"])).code).toBe(0);
    expect((await host.sh(left)).stdout).toBe("");
    expect((await host.run(["getent", "passwd", "haproxy-lite"])).code).not.toBe(0);
    expect((await host.run(["getent", "group", "haproxy-lite"])).code).not.toBe(0);
  });
});
