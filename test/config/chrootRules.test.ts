import { describe, expect, test } from "bun:test";
import { loadConfig } from "../../src/config/config.ts";

/** What is said of a file, on a machine where these paths exist. */
function said(text: string, there: readonly string[] = [], problem: string | null = null): string[] {
  const machine = {
    cpus: 1,
    ephemeralPorts: null,
    chrootProblem: () => problem,
    isThere: (path: string) => there.includes(path),
  };
  const timeouts = '[defaults.timeout]\nconnect = "1s"\nclient = "1s"\nserver = "1s"\n';
  const whole = `[global]\nchroot = "/jail"\n${timeouts}${text}\n`;
  const { issues } = loadConfig({ path: "c.toml", bytes: new TextEncoder().encode(whole) }, machine);
  return issues.map(({ severity, path, message, hint }) => `${severity}: ${path}: ${message}; ${hint}`);
}

const LISTEN = '[listen.web]\nbind = "127.0.0.1:80"\n[[listen.web.server]]\nname = "s"\ncheck = false\n';
const LOG = (address: string) => `[[log]]\naddress = "${address}"\n`;

describe("[global] chroot", () => {
  test("is refused with the reason and what makes it right", () => {
    expect(said(`${LOG("stdout")}${LISTEN}address = "192.0.2.1:80"`, [], "belongs to uid 7 instead of root")).toEqual([
      "error: global.chroot: /jail belongs to uid 7 instead of root; make it with: install -d -m 0755 -o root -g root /jail",
    ]);
  });

  test("that will do is silent as long as nothing is looked for inside", () => {
    expect(said(`${LOG("127.0.0.1:514")}${LISTEN}address = "192.0.2.1:80"`)).toEqual([]);
    expect(said(`${LOG("stdout")}${LISTEN}address = "unix:@name"`)).toEqual([]);
  });

  test("names the log that is not there inside, and not one that is", () => {
    const text = `${LOG("/dev/log")}${LISTEN}address = "192.0.2.1:80"`;
    expect(said(text)).toEqual([
      'warning: log[0].address: the proxy process looks for it in the chroot: there is no /jail/dev/log; let the syslog daemon listen there as well, or write "127.0.0.1:514"',
    ]);
    expect(said(text, ["/jail/dev/log"])).toEqual([]);
  });

  test("names the server's socket that is not there inside", () => {
    const text = `${LOG("stdout")}${LISTEN}address = "unix:/run/app.sock"`;
    expect(said(text)).toEqual([
      "warning: listen.web.server[0].address: the proxy process looks for it in the chroot: there is no /jail/run/app.sock; let the server listen there",
    ]);
    expect(said(text, ["/jail/run/app.sock"])).toEqual([]);
  });

  test("names the host name that can never be resolved inside", () => {
    const text = `${LOG("stdout")}${LISTEN}address = "app.example:80"\ninit_addr = "none"`;
    expect(said(text)[0]).toContain("if app.example does not resolve at start, it never will");
    expect(said(text, ["/jail/etc/resolv.conf"])).toEqual([]);
    expect(said(`${LOG("stdout")}${LISTEN}address = "app.example:80"`)).toEqual([]);
  });
});
