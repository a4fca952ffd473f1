import { beforeAll, describe, expect, test } from "bun:test";
import { freePorts } from "../../support/ports.ts";
import { tool } from "../../support/tools.ts";
import { until } from "../../support/until.ts";
import { COPY, canMakeHost, type Host, makeHost } from "./host.ts";

const CONFIG = "/etc/haproxy-lite/haproxy-lite.toml";
const LOGS = "/var/log/haproxy-lite";
const CONNECTIONS = `${LOGS}/haproxy-lite.log`;
const STATES = `${LOGS}/haproxy-lite-status.log`;

const here = canMakeHost() && tool("rsyslogd") !== null && tool("logrotate") !== null;

// One host for the file: an installed service with the host's own rsyslog and logrotate.
describe.skipIf(!here)("the log of an installed service", () => {
  let host: Host;
  const [listen = 0] = freePorts(1);

  beforeAll(async () => {
    host = await makeHost();
    // Debian's without the kernel's log, which is this machine's.
    const main = 'module(load="imuxsock")\n$IncludeConfig /etc/rsyslog.d/*.conf\n*.* /var/log/everything\n';
    await host.write("/etc/rsyslog.conf", main);
    await host.run([COPY, "install"]);
  });

  test("has an rsyslog file that rsyslog takes", async () => {
    expect((await host.run(["rsyslogd", "-N1"])).code).toBe(0);
    await host.sh("echo 'nonsense(' >/etc/rsyslog.d/zz.conf");
    expect((await host.run(["rsyslogd", "-N1"])).code).not.toBe(0);
    await host.sh("rm /etc/rsyslog.d/zz.conf");
  });

  test("has one also where another file receives UDP already", async () => {
    for (const text of ["$ModLoad imudp\n$UDPServerRun 514\n", 'module(load="imudp")\n']) {
      await host.write("/etc/rsyslog.d/00-udp.conf", text);
      // As it is, the module would be loaded twice.
      expect((await host.run(["rsyslogd", "-N1"])).code).not.toBe(0);
      await host.run([COPY, "install"]);
      expect((await host.run(["rsyslogd", "-N1"])).code).toBe(0);
      await host.sh("rm /etc/rsyslog.d/00-udp.conf");
      await host.run([COPY, "install"]);
    }
  });

  test("splits connections from changes of state, whatever another file does with all that begins with haproxy", async () => {
    // As Debian's HAProxy has it; its name sorts before ours.
    const greedy = ':programname, startswith, "haproxy" {\n  /var/log/taken\n  stop\n}\n';
    await host.write("/etc/rsyslog.d/49-haproxy.conf", greedy);
    await host.sh("touch /var/log/taken");
    await host.write(CONFIG, (await host.read(CONFIG)).replaceAll("127.0.0.1:14900", `127.0.0.1:${listen}`));
    await host.sh("rsyslogd");
    await host.sh("/etc/init.d/haproxy-lite start");
    // Nobody serves: the checks say so, and the connection is refused.
    await until("a change of state", async () => (await host.read(STATES)).includes("has no server available!"));
    await host.run(["bash", "-c", `exec 3<>/dev/tcp/127.0.0.1/${listen}; cat <&3`]);
    const line = await until("a connection", async () =>
      /^.* haproxy\[\d+\]: 127\.0\.0\.1:.*tcp_service_a\/<NOSRV>.*$/m.exec(await host.read(CONNECTIONS)),
    );
    expect(line[0]).toMatch(/^\w{3} [ \d]\d \d\d:\d\d:\d\d \S+ haproxy\[/);
    expect(await host.read(CONNECTIONS)).not.toContain("is DOWN");
    expect(await host.read(STATES)).not.toContain("<NOSRV>");
    // Neither is in another log as well.
    expect((await host.sh("cat /var/log/everything /var/log/taken | grep tcp_service_a")).stdout).toBe("");
    const listed = await host.sh(`stat -c '%a %U:%G' ${LOGS} ${CONNECTIONS} ${STATES}`);
    expect(listed.stdout.trim().split("\n")).toEqual([
      "700 haproxy-lite:haproxy-lite",
      "640 haproxy-lite:haproxy-lite",
      "640 haproxy-lite:haproxy-lite",
    ]);
  });

  test("has a logrotate file without an error", async () => {
    // logrotate -d exits 0 whatever it finds.
    const said = await host.sh("logrotate -d -s /tmp/state /etc/logrotate.d/haproxy-lite 2>&1");
    expect(said.stdout).toContain(`considering log ${CONNECTIONS}`);
    expect(said.stdout).not.toMatch(/error:/);
    await host.sh("sed 's/daily/dayly/' /etc/logrotate.d/haproxy-lite >/tmp/broken; chmod 644 /tmp/broken");
    expect((await host.sh("logrotate -d -s /tmp/state /tmp/broken 2>&1")).stdout).toMatch(/error:/);
  });

  test("goes on in a new file after it was rotated", async () => {
    const before = await host.read(STATES);
    const said = await host.sh("logrotate -f -s /tmp/state /etc/logrotate.d/haproxy-lite");
    expect(said).toMatchObject({ code: 0, stderr: "" });
    expect(await host.read(`${STATES}.1`)).toStartWith(before);
    await host.sh("/etc/init.d/haproxy-lite restart");
    await until("a line in the new file", async () => (await host.read(STATES)).length > 0);
    const listed = await host.sh(`stat -c '%a %U:%G' ${STATES}`);
    expect(listed.stdout.trim()).toBe("640 haproxy-lite:haproxy-lite");
  });

  test("is not rotated twice when a new version lies beside an edited file", async () => {
    const path = "/etc/logrotate.d/haproxy-lite";
    await host.write(path, (await host.read(path)).replace("rotate 14", "rotate 99"));
    await host.run([COPY, "install"]);
    expect(await host.read(`${path}.rpmnew`)).toContain("rotate 14");
    await host.write("/tmp/all.conf", "include /etc/logrotate.d\n");
    const said = await host.sh("chmod 644 /tmp/all.conf; logrotate -d -s /tmp/state /tmp/all.conf 2>&1");
    expect(said.stdout).toContain(CONNECTIONS);
    expect(said.stdout).not.toMatch(/haproxy-lite.*duplicate|duplicate.*haproxy-lite/);
  });
});
