import { describe, expect, test } from "bun:test";
import { commandsAfter, notesAfter } from "../../src/install/afterwards.ts";
import { shellText } from "../../src/install/command.ts";
import type { HostFacts } from "../../src/install/facts.ts";
import { firewallCommands } from "../../src/install/firewall.ts";
import type { Plan } from "../../src/install/plan.ts";

const FACTS: HostFacts = {
  root: "/",
  init: "systemd",
  systemdVersion: 252,
  initDirectory: "/etc/rc.d/init.d",
  rcDirectory: "/etc/rc.d",
  optionsFile: "/etc/sysconfig/haproxy-lite",
  nologin: "/sbin/nologin",
  rsyslogUdp: "absent",
  rsyslogUser: null,
  somaxconn: 4096,
  account: { uid: 900, gid: 900 },
  selinux: false,
  firewall: [],
  nftInputChains: [],
  vrrpInterfaces: [],
  program: { path: "/p", sha256: "" },
};

/** A plan that changes these files. */
function changing(...paths: string[]): Plan {
  return {
    entries: [],
    steps: paths.map((path) => ({ verdict: "change", item: { kind: "link", path, target: "x" }, why: null })),
  };
}

const lines = (plan: Plan, facts: Partial<HostFacts> = {}, firewall = false): string[] =>
  commandsAfter(plan, { ...FACTS, ...facts }, firewall).map(({ argv }) => shellText(argv));

describe("what is run once the files are there", () => {
  const all = changing(
    "/etc/systemd/system/haproxy-lite.service",
    "/etc/sysctl.d/90-haproxy-lite.conf",
    "/etc/rsyslog.d/haproxy-lite.conf",
  );

  test("is what the changed files need, and nothing when none has changed", () => {
    expect(lines(all)).toEqual([
      "systemctl daemon-reload",
      "sysctl -e -q -p /etc/sysctl.d/90-haproxy-lite.conf",
      "systemctl try-restart rsyslog.service",
    ]);
    expect(lines(changing())).toEqual([]);
  });

  test("restarts rsyslog only when that likes its files", () => {
    const restart = commandsAfter(all, FACTS, false).find(({ argv }) => argv.includes("rsyslog.service"));
    expect(restart?.onlyIf).toEqual(["rsyslogd", "-N1"]);
  });

  test("labels every changed file where SELinux is on, before anybody reads them", () => {
    expect(lines(changing("/etc/a", "/etc/b"), { selinux: true })[0]).toBe("restorecon -F /etc/a /etc/b");
  });

  test("is nothing in a tree: its programs are not ours to run", () => {
    expect(lines(all, { root: "/image", selinux: true })).toEqual([]);
  });
});

describe("VRRP is let through", () => {
  const argv = (facts: Partial<HostFacts>): string[] =>
    firewallCommands({ ...FACTS, ...facts }).map((each) => shellText(each.argv));

  test("firewalld now and for good, in the default zone, for both families and any peer", () => {
    expect(argv({ firewall: ["firewalld"] })).toEqual([
      `firewall-cmd '--add-rich-rule=rule protocol value="vrrp" accept'`,
      `firewall-cmd --permanent '--add-rich-rule=rule protocol value="vrrp" accept'`,
    ]);
  });

  test("in the zone of each interface that has virtual routers, once", () => {
    const vrrpInterfaces = [
      { name: "eth0", zone: "internal" },
      { name: "eth1", zone: "internal" },
      { name: "eth2", zone: null },
    ];
    const commands = argv({ firewall: ["firewalld"], vrrpInterfaces });
    expect(commands.filter((line) => line.includes("--zone=internal"))).toHaveLength(2);
    expect(commands).toHaveLength(4);
  });

  test("in a tree by its configuration", () => {
    expect(argv({ firewall: ["firewalld-offline"], root: "/image" })).toEqual([
      `firewall-offline-cmd --system-config=/image/etc/firewalld '--add-rich-rule=rule protocol value="vrrp" accept'`,
    ]);
  });

  test("both where firewalld does not run and iptables may do its work", () => {
    expect(argv({ firewall: ["firewalld-offline", "iptables"] }).map((line) => line.split(" ")[0])).toEqual([
      "firewall-offline-cmd",
      "iptables",
      "ip6tables",
    ]);
  });

  test("iptables and ip6tables unless they do already, and takes the same rule back", () => {
    const [v4, v6] = firewallCommands({ ...FACTS, firewall: ["iptables"] });
    expect(v4).toEqual({
      argv: ["iptables", "-I", "INPUT", "-p", "112", "-j", "ACCEPT"],
      onlyIf: null,
      unless: ["iptables", "-C", "INPUT", "-p", "112", "-j", "ACCEPT"],
      undo: ["iptables", "-D", "INPUT", "-p", "112", "-j", "ACCEPT"],
    });
    expect(v6?.argv[0]).toBe("ip6tables");
  });

  test("only when asked to; else the commands are told", () => {
    const facts = { ...FACTS, firewall: ["iptables"] } as const;
    expect(lines(changing(), facts, false)).toEqual([]);
    expect(lines(changing(), facts, true)).toHaveLength(2);
    const told = notesAfter(changing(), facts, false, { kind: "absent" }).join("\n");
    expect(told).toContain("iptables -I INPUT -p 112 -j ACCEPT");
  });
});

test("of nftables' own rule sets the rules are told, asked for or not: they are files that somebody has written", () => {
  const facts: HostFacts = { ...FACTS, nftInputChains: ["inet filter input", "ip own in"] };
  for (const wanted of [true, false]) {
    const told = notesAfter(changing(), facts, wanted, { kind: "absent" }).join("\n");
    expect(told).toContain(
      "\n    nft insert rule inet filter input meta l4proto 112 accept\n    nft insert rule ip own in meta l4proto 112 accept",
    );
    expect(told).not.toContain("no firewall was found");
  }
});

test("a configuration that the service may not read is told", () => {
  const config = { kind: "file", sha256: "", uid: 0, gid: 0, mode: 0o640 } as const;
  const told = (changes: object): string => notesAfter(changing(), FACTS, false, { ...config, ...changes }).join("\n");
  expect(told({})).toContain("the service cannot read");
  expect(told({ gid: 900 })).not.toContain("cannot read");
  expect(told({ mode: 0o644 })).not.toContain("cannot read");
  expect(told({ gid: 900, mode: 0o600 })).toContain("cannot read");
});
