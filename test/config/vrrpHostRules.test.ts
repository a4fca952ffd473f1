import { describe, expect, test } from "bun:test";
import { loadConfig } from "../../src/config/config.ts";
import type { Environment } from "../../src/config/rules.ts";
import type { NetworkInterface } from "../../src/core/networkHost.ts";

const UP: NetworkInterface = { up: true, loopback: false, multicast: true, addresses: ["192.0.2.1", "fe80::1"] };
const LO: NetworkInterface = { up: true, loopback: true, multicast: false, addresses: ["127.0.0.1", "::1"] };

/** What is said of one instance by a machine with these interfaces (and lo). */
function said(keys: string, environment: Partial<Environment>, rest = ""): string[] {
  const text = `[[log]]\naddress = "stdout"\n[vrrp.instance.V]\nvirtual_router_id = 51\n${keys}\n${rest}`;
  const machine = { cpus: 1, ephemeralPorts: null, ...environment };
  const { config, issues } = loadConfig({ path: "c.toml", bytes: new TextEncoder().encode(text) }, machine);
  expect(config === null).toBe(issues.some(({ severity }) => severity === "error"));
  return issues.map(({ severity, path, message, hint }) =>
    `${severity}: ${path}: ${message}; ${hint}`.replace("vrrp.instance.V.", ""),
  );
}

function machine(interfaces: Record<string, Partial<NetworkInterface>>, strictHost = true): Partial<Environment> {
  const all = Object.entries(interfaces).map(([name, over]): [string, NetworkInterface] => [name, { ...UP, ...over }]);
  return { interfaces: new Map([["lo", LO], ...all]), strictHost };
}

const ETH0 = 'interface = "eth0"\n';
const VIP = 'virtual_ipaddress = "192.0.2.100/24"\n';
const VIP6 = 'version = 3\nvirtual_ipaddress = "fe80::100/64"\n';

describe("an interface", () => {
  test("that is there, up, and has an address gives no reason to speak", () => {
    expect(said(ETH0 + VIP, machine({ eth0: {} }))).toEqual([]);
    expect(said(ETH0 + VIP6, machine({ eth0: {} }))).toEqual([]);
  });

  test("that is not there refuses the file of a host that is asked strictly, with those that are there", () => {
    expect(said(ETH0 + VIP, machine({ ens192: {}, ens224: {} }))).toEqual([
      'error: interface: there is no interface "eth0": V stays in FAULT until it appears; there are ens192, ens224',
    ]);
    expect(said(`interface = "ens129"\n${VIP}`, machine({ ens192: {} }))).toEqual([
      'error: interface: there is no interface "ens129": V stays in FAULT until it appears; did you mean "ens192"? (there are ens192)',
    ]);
    expect(said(ETH0 + VIP, machine({}))).toEqual([
      'error: interface: there is no interface "eth0": V stays in FAULT until it appears; there is none but loopback',
    ]);
  });

  test("that is not there yet is a warning when the service starts: at boot it may come later", () => {
    expect(said(ETH0 + VIP, machine({ ens192: {} }, false))).toEqual([
      'warning: interface: there is no interface "eth0": V stays in FAULT until it appears; there are ens192',
    ]);
  });

  test("that is tracked is looked for as well", () => {
    const keys = `${ETH0}${VIP}track_interface = ["eth0", { name = "eth1", weight = -20 }]`;
    const text =
      'track_interface[1]: there is no interface "eth1": it counts as failed until it appears; did you mean "eth0"? (there are eth0)';
    expect(said(keys, machine({ eth0: {} }))).toEqual([`error: ${text}`]);
    expect(said(keys, machine({ eth0: {} }, false))).toEqual([`warning: ${text}`]);
  });

  test("is not looked for when nobody knows the machine, or its name was refused", () => {
    expect(said(ETH0 + VIP, { strictHost: true })).toEqual([]);
    expect(said(`interface = "eth 0"\n${VIP}`, machine({}))).toEqual([
      expect.stringContaining("is not the name of a network interface"),
    ]);
  });

  test("that is down, or whose link is, is warned of unless its faults are ignored", () => {
    const down = machine({ eth0: { up: false, addresses: null } });
    expect(said(ETH0 + VIP, down)).toEqual([
      "warning: interface: eth0 is down: V stays in FAULT until it is up; switch it on (ip link set eth0 up), or see to its cable",
    ]);
    expect(said(`${ETH0}${VIP}dont_track_primary = true`, down)).toEqual([]);
    expect(said(ETH0 + VIP, machine({ eth0: { up: null, addresses: null } }))).toEqual([]);
  });

  test("that reaches no other host is warned of", () => {
    expect(said(`interface = "lo"\n${VIP}`, machine({ eth0: {} }))).toEqual([
      "warning: interface: adverts on lo reach no other host; name the network's interface",
    ]);
    expect(said(ETH0 + VIP, machine({ eth0: { multicast: false } }))).toEqual([
      "warning: interface: eth0 carries no multicast; name the other routers in unicast_peer",
    ]);
    const unicast = 'unicast_peer = "192.0.2.2"\n';
    expect(said(ETH0 + VIP + unicast, machine({ eth0: { multicast: false } }))).toEqual([]);
    expect(said(`interface = "lo"\n${VIP}${unicast}`, machine({ eth0: {} }))).toEqual([]);
  });
});

describe("the address that adverts come from", () => {
  test("is missed on an interface without one of their family", () => {
    expect(said(ETH0 + VIP, machine({ eth0: { addresses: ["2001:db8::1"] } }))).toEqual([
      "warning: interface: eth0 has no IPv4 address to send adverts from: V stays in FAULT; give it one",
    ]);
    expect(said(ETH0 + VIP6, machine({ eth0: { addresses: ["192.0.2.1", "2001:db8::1"] } }))).toEqual([
      "warning: interface: eth0 has no link-local IPv6 address to send adverts from: V stays in FAULT; give it one",
    ]);
  });

  test("may be a global one between unicast peers", () => {
    const keys = `${ETH0}${VIP6}unicast_peer = "2001:db8::2"`;
    expect(said(keys, machine({ eth0: { addresses: ["2001:db8::1"] } }))).toEqual([]);
  });

  test("is one of this host where the file names it", () => {
    const keys = `${ETH0}${VIP}unicast_peer = "192.0.2.2"\nunicast_src_ip = "192.0.2.1"`;
    expect(said(keys, machine({ eth0: {} }))).toEqual([]);
    expect(said(keys, machine({ eth0: { addresses: ["192.0.2.7"] }, eth1: { addresses: ["192.0.2.1"] } }))).toEqual([]);
    expect(said(keys, machine({ eth0: { addresses: ["192.0.2.7"] } }))).toEqual([
      "warning: unicast_src_ip: no interface has 192.0.2.1: V stays in FAULT until one has; write an address of this host",
    ]);
    expect(said(keys, machine({ eth0: { up: false, addresses: null } }))).toEqual([
      expect.stringContaining("eth0 is down"),
    ]);
  });
});

test("a list of unicast peers that names this host, too, is refused", () => {
  const keys = `${ETH0}${VIP}unicast_peer = ["192.0.2.1", "192.0.2.2"]`;
  expect(said(keys, machine({ eth0: {} }))).toEqual([
    "error: unicast_peer[0]: 192.0.2.1 is an address of this host; list the other routers only",
  ]);
});

describe("a virtual address that is the interface's own", () => {
  const own = (keys: string, addresses: string[]) => said(ETH0 + keys, machine({ eth0: { addresses } }));

  test("is warned of unless this router is its owner", () => {
    expect(own(VIP, ["192.0.2.100"])).toEqual([
      "warning: virtual_ipaddress: 192.0.2.100 is the interface's own address, and its owner has priority 255; choose an address that no host has, or set priority = 255",
    ]);
    expect(own(`${VIP}priority = 255\nstate = "MASTER"`, ["192.0.2.100"])).toEqual([]);
    expect(own(VIP6, ["fe80:0::100"])).toEqual([expect.stringContaining("fe80::100 is the interface's own address")]);
  });

  test("is not confused with one that the running MASTER has added to it", () => {
    expect(own(VIP, ["192.0.2.1", "192.0.2.100"])).toEqual([]);
    expect(own(VIP6, ["fe80::1", "fe80::100"])).toEqual([]);
  });
});

describe("privileges", () => {
  test("that are missing refuse a file with virtual routers, by name, wherever it is read", () => {
    for (const strictHost of [true, false]) {
      const missingCapabilities = ["CAP_NET_ADMIN", "CAP_NET_RAW"] as const;
      expect(said(ETH0 + VIP, { missingCapabilities, strictHost })).toEqual([
        "error: vrrp: virtual addresses need CAP_NET_ADMIN and CAP_NET_RAW, which this process does not have; run it as root, or give it the capabilities (systemd: AmbientCapabilities=, containers: --cap-add)",
      ]);
    }
    expect(said(ETH0 + VIP, { missingCapabilities: ["CAP_NET_ADMIN"] })).toEqual([
      expect.stringContaining("virtual addresses need CAP_NET_ADMIN, which"),
    ]);
  });

  test("are not needed without a virtual router", () => {
    const text = '[[log]]\naddress = "stdout"\n[vrrp]\nrouter_id = "a"\n';
    const environment = { cpus: 1, ephemeralPorts: null, missingCapabilities: ["CAP_NET_RAW"] as const };
    const { issues } = loadConfig({ path: "c.toml", bytes: new TextEncoder().encode(text) }, environment);
    expect(issues.map(({ message }) => message)).toEqual(["[vrrp] has no instance: no address is moved"]);
  });

  test("that are all there are not mentioned", () => {
    expect(said(ETH0 + VIP, { missingCapabilities: [] })).toEqual([]);
  });
});

describe("a program that cannot be run", () => {
  const programProblem = (path: string) => (path === "/bin/there" ? null : "does not exist");
  const script = (more = "") => `[[vrrp.script]]\nname = "chk"\ncommand = ["/bin/missing", "-x"]\n${more}`;
  const tracking = `${ETH0}${VIP}track_script = ["chk"]`;

  test("is warned of, for a script with what it will count as", () => {
    expect(said(tracking, { programProblem }, script())).toEqual([
      "warning: vrrp.script[0].command[0]: /bin/missing does not exist: chk counts as failed while that is so; mend that (keepalived would count it as healthy)",
    ]);
    expect(said(`${ETH0}${VIP}notify_stop = ["/opt/our tools/gone", "x"]`, { programProblem })).toEqual([
      "warning: notify_stop[0]: /opt/our tools/gone does not exist: this notification will fail; mend that",
    ]);
    expect(said(`${ETH0}${VIP}notify = "/bin/there"\nnotify_fault = "/bin/gone"`, { programProblem })).toEqual([
      "warning: notify_fault: /bin/gone does not exist: this notification will fail; mend that",
    ]);
  });

  test("is not looked for when nobody can say, or when its name is refused anyway", () => {
    expect(said(tracking, {}, script())).toEqual([]);
    expect(said(`${ETH0}${VIP}notify = "relative"`, { programProblem })).toEqual([
      expect.stringContaining("relative is no absolute path"),
    ]);
  });

  test("runs as a user of this machine", () => {
    const accounts = { users: new Set(["nobody"]), groups: new Set<string>() };
    const runnable = { programProblem: () => null, accounts };
    expect(said(tracking, runnable, script('user = "nobody"'))).toEqual([]);
    expect(said(tracking, runnable, script('user = "keepalived_script"'))).toEqual([
      'warning: vrrp.script[0].user: this machine has no user "keepalived_script": chk counts as failed while that is so; useradd --system --no-create-home keepalived_script',
    ]);
  });
});
