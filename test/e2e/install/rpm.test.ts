import { beforeAll, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import manifest from "../../../package.json" with { type: "json" };
import { runOk } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { tool } from "../../support/tools.ts";
import { canMakeHost, type Host, makeHost } from "./host.ts";

const PACKAGE = "/opt/copied/haproxy-lite.rpm";
const here = tool("rpmbuild") !== null && tool("rpm") !== null;

/**
 * What rpmlint calls errors and is meant: secrets, sudoers and logs are not for everybody, and the one who publishes a
 * package signs it.
 */
const INTENDED = [
  "non-readable /etc/haproxy-lite/haproxy-lite.toml 640",
  "non-readable /etc/sudoers.d/haproxy-lite 440",
  "non-standard-dir-perm /var/log/haproxy-lite 700",
  "no-signature",
];

describe.skipIf(!here)("the package", () => {
  let rpm = "";
  const query = (...args: string[]): Promise<string> => runOk(["rpm", "-qp", "--dbpath", tmpDir(), ...args, rpm]);

  beforeAll(async () => {
    const outdir = tmpDir();
    await runOk([process.execPath, "build.ts", "--rpm", "--outdir", outdir], { timeoutMs: 90_000 });
    const names = readdirSync(outdir);
    expect(names).toEqual([expect.stringMatching(/^haproxy-lite-.*\.rpm$/) as unknown as string]);
    rpm = join(outdir, names[0] ?? "");
  }, 100_000);

  test("is named after version and machine", async () => {
    const arch = process.arch === "arm64" ? "aarch64" : "x86_64";
    expect(rpm).toEndWith(`/haproxy-lite-${manifest.version}-1.${arch}.rpm`);
  });

  test("keeps edited configuration files", async () => {
    const config = (await query("--configfiles")).trim().split("\n").sort();
    expect(config).toEqual([
      "/etc/haproxy-lite/haproxy-lite.toml",
      "/etc/logrotate.d/haproxy-lite",
      "/etc/rsyslog.d/haproxy-lite.conf",
      "/etc/sudoers.d/haproxy-lite",
      "/etc/sysconfig/haproxy-lite",
    ]);
    // RPMFILE_NOREPLACE is 1 << 4.
    const flags = await query("--queryformat", "[%{FILEFLAGS:fflags} %{FILENAMES}\\n]");
    for (const path of config) expect(flags).toMatch(new RegExp(`^cn ${path}$`, "m"));
  });

  test("gives secrets, sudoers and logs the rights that they need", async () => {
    const format = "[%{FILENAMES} %{FILEMODES:perms} %{FILEUSERNAME} %{FILEGROUPNAME}\\n]";
    const lines = (await query("--queryformat", format)).split("\n");
    const rights = (path: string): string | undefined =>
      lines.find((line) => line.startsWith(`${path} `))?.slice(path.length + 1);
    expect(rights("/usr/sbin/haproxy-lite")).toBe("-rwxr-xr-x root root");
    expect(rights("/etc/haproxy-lite/haproxy-lite.toml")).toBe("-rw-r----- root haproxy-lite");
    expect(rights("/etc/sudoers.d/haproxy-lite")).toBe("-r--r----- root root");
    expect(rights("/var/log/haproxy-lite")).toBe("drwx------ haproxy-lite haproxy-lite");
  });

  test.skipIf(tool("rpmlint") === null)("has no error that rpmlint knows of but those that are meant", async () => {
    const said = await runOk(["sh", "-c", 'rpmlint "$1" || :', "sh", rpm], { timeoutMs: 60_000 });
    const errors = [...said.matchAll(/^haproxy-lite\.\w+: E: (.*?)\s*$/gm)].map(([, text = ""]) => text);
    expect(errors.sort()).toEqual(INTENDED.toSorted());
  });

  describe.skipIf(!canMakeHost())("on a host", () => {
    let host: Host;
    const rpmOnHost = (...args: string[]) => host.run(["rpm", "--nodeps", ...args], { timeoutMs: 60_000 });

    beforeAll(async () => {
      host = await makeHost({ files: { [PACKAGE]: rpm } });
    });

    test("makes the account, enables the service, and brings a program that is not stripped", async () => {
      await host.write("/etc/rsyslog.d/00-udp.conf", "$ModLoad imudp\n$UDPServerRun 514\n");
      // Debian's tools know no preset of Red Hat's; the default is to enable.
      expect(await rpmOnHost("-i", PACKAGE)).toMatchObject({ code: 0 });
      expect((await host.run(["/usr/sbin/haproxy-lite", "--version"])).stdout).toContain(manifest.version);
      const check = await host.run(["haproxy-lite", "check", "-c", "/etc/haproxy-lite/haproxy-lite.toml"]);
      // The account that the file names is there.
      expect(check).toMatchObject({ code: 0, stdout: "Configuration file is valid\n" });
      expect((await host.run(["getent", "passwd", "haproxy-lite"])).code).toBe(0);
      expect((await host.run(["systemctl", "--root=/", "is-enabled", "haproxy-lite"])).stdout).toBe("enabled\n");
    });

    test.skipIf(tool("rsyslogd") === null)("makes room for a syslog that receives UDP already", async () => {
      const text = await host.read("/etc/rsyslog.d/haproxy-lite.conf");
      expect(text).toContain('\n# module(load="imudp")');
      expect(text).toContain('\n# input(type="imudp"');
      expect((await host.run(["rsyslogd", "-N1"])).code).toBe(0);
    });

    test("leaves the service enabled and edited files alone when it is replaced", async () => {
      await host.write("/etc/haproxy-lite/haproxy-lite.toml", "# mine\n");
      expect(await rpmOnHost("-U", "--force", PACKAGE)).toMatchObject({ code: 0 });
      expect(await host.read("/etc/haproxy-lite/haproxy-lite.toml")).toBe("# mine\n");
      expect((await host.run(["systemctl", "--root=/", "is-enabled", "haproxy-lite"])).stdout).toBe("enabled\n");
    });

    test("goes without a trace of the program, and keeps what was edited", async () => {
      expect(await rpmOnHost("-e", "haproxy-lite")).toMatchObject({ code: 0 });
      const places = "/etc /usr/sbin /usr/lib/systemd /usr/lib/sysctl.d /usr/share/man /usr/share/bash-completion";
      const names = "-name haproxy-lite -o -name 'haproxy-lite.*' -o -name '90-haproxy-lite*'";
      const left = await host.sh(`find ${places} ${names} | sort`);
      expect(left.stdout.trim().split("\n")).toEqual([
        "/etc/haproxy-lite",
        "/etc/haproxy-lite/haproxy-lite.toml.rpmsave",
        "/etc/rsyslog.d/haproxy-lite.conf.rpmsave",
      ]);
    });
  });
});
