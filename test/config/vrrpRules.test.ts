import { describe, expect, test } from "bun:test";
import { loadConfig } from "../../src/config/config.ts";

const HEAD = '[[log]]\naddress = "stdout"\n';
const WEB = `[defaults.timeout]
connect = "1s"
client = "1m"
server = "1m"
[listen.web]
bind = "BIND"
[[listen.web.server]]
name = "s"
address = "192.0.2.11:80"
check = CHECK
`;

/** What is said of a file on a machine that nothing is known of. */
function said(text: string): string[] {
  const bytes = new TextEncoder().encode(HEAD + text);
  const { config, issues } = loadConfig({ path: "c.toml", bytes }, { cpus: 1, ephemeralPorts: null });
  expect(config === null).toBe(issues.some(({ severity }) => severity === "error"));
  return issues.map(({ severity, path, message, hint }) => `${severity}: ${path}: ${message}; ${hint}`);
}

/** The same of one instance on eth0 with VRID 51. */
function saidOf(keys: string, rest = ""): string[] {
  const lines = said(`[vrrp.instance.V]\ninterface = "eth0"\nvirtual_router_id = 51\n${keys}\n${rest}`);
  return lines.map((line) => line.replace("vrrp.instance.V.", ""));
}

function web(bind: string, check = "true"): string {
  return WEB.replace("BIND", bind).replace("CHECK", check);
}

describe("the name of an interface", () => {
  test.each(["eth0", "enp3s0", "ens192", "bond0.100", "vrrp.51", "br-lan", "Ethernet_C", "fünf"])(
    "may be %s",
    (name) => {
      const file = `[vrrp.instance.V]\ninterface = "${name}"\nvirtual_router_id = 51\nvirtual_ipaddress = "192.0.2.100/24"\n`;
      expect(said(file)).toEqual([]);
    },
  );

  test.each(["", "a-name-of-sixteen", "eth 0", "eth0:1", "a/b", ".", "..", "a\\u0007b"])("may not be %p", (name) => {
    const file = `[vrrp.instance.V]\ninterface = "${name}"\nvirtual_router_id = 51\nvirtual_ipaddress = "192.0.2.100/24"\n`;
    expect(said(file)).toEqual([expect.stringContaining("is not the name of a network interface")]);
  });
});

describe("the room of an address in its network", () => {
  const vip = (address: string) => saidOf(`version = 3\nvirtual_ipaddress = "${address}"`);

  test.each([
    [
      "192.0.2.0/24",
      "error: virtual_ipaddress: 192.0.2.0 is the network address of its /24: no host can have it; write one of 192.0.2.1..192.0.2.254, or the prefix length of its network",
    ],
    [
      "192.0.2.255/24",
      "error: virtual_ipaddress: 192.0.2.255 is the broadcast address of its /24: no host can have it; write one of 192.0.2.1..192.0.2.254, or the prefix length of its network",
    ],
    [
      "10.255.255.255/8",
      "error: virtual_ipaddress: 10.255.255.255 is the broadcast address of its /8: no host can have it; write one of 10.0.0.1..10.255.255.254, or the prefix length of its network",
    ],
    [
      "192.0.2.4/30",
      "error: virtual_ipaddress: 192.0.2.4 is the network address of its /30: no host can have it; write one of 192.0.2.5..192.0.2.6, or the prefix length of its network",
    ],
    [
      "2001:db8::/64",
      "warning: virtual_ipaddress: 2001:db8:: is the anycast address of the routers of its /64; write an address whose last part is not zero",
    ],
    [
      "2001:db8:0:0:8000::/65",
      "warning: virtual_ipaddress: 2001:db8:0:0:8000:: is the anycast address of the routers of its /65; write an address whose last part is not zero",
    ],
  ])("%s has none", (address, message) => expect(vip(address)).toEqual([message]));

  test.each([
    "192.0.2.0/32",
    "192.0.2.0",
    "192.0.2.0/31",
    "192.0.2.1/31",
    "192.0.3.0/23",
    "192.0.2.255/23",
    "192.0.2.5/30",
    "192.0.2.1/0",
    "2001:db8::/127",
    "2001:db8::",
    "2001:db8::1/64",
    "2001:db8:0:0:8000::/64",
    "1:2:3:4:5:6:7:8/16",
  ])("%s has some", (address) => expect(vip(address)).toEqual([]));

  test("is looked at for the excluded ones, too", () => {
    const keys =
      'virtual_ipaddress = "192.0.2.100/24"\nvirtual_ipaddress_excluded = ["192.0.2.101/24", "198.51.100.0/24"]';
    expect(saidOf(keys)).toEqual([
      expect.stringContaining("error: virtual_ipaddress_excluded[1]: 198.51.100.0 is the network address of its /24"),
    ]);
  });
});

describe("how many addresses fit an advert", () => {
  const many = (count: number, of: (index: number) => string) =>
    JSON.stringify(Array.from({ length: count }, (_, index) => of(index)));
  const v4 = (index: number) => `10.0.${index >> 8}.${index & 255}/32`;
  const v6 = (index: number) => `2001:db8::${(index + 1).toString(16)}/128`;

  test.each([
    [2, 255, v4, []],
    [3, 255, v4, []],
    [3, 90, v6, []],
    [2, 256, v4, ["256 addresses do not fit one advert, which holds 255"]],
    [3, 91, v6, ["91 addresses do not fit one advert, which holds 90"]],
  ] as const)("version %d, %d addresses", (version, count, of, problems) => {
    const lines = saidOf(`version = ${version}\nvirtual_ipaddress = ${many(count, of)}`);
    expect(lines).toEqual(
      problems.map((problem) => `error: virtual_ipaddress: ${problem}; put the others into virtual_ipaddress_excluded`),
    );
  });
});

describe("an identity", () => {
  const vip = 'virtual_ipaddress = "192.0.2.100/24"';
  const second = (keys: string) =>
    `[vrrp.instance.W]\ninterface = "eth0"\nvirtual_router_id = 51\nvirtual_ipaddress = "192.0.2.101/24"\n${keys}`;

  test.each([
    [0, "0 is too small; write a whole number, 1..255"],
    [256, "256 is too large; write a whole number, 1..255"],
  ])("is no VRID %d", (id, problem) => {
    const file = `[vrrp.instance.V]\ninterface = "eth0"\nvirtual_router_id = ${id}\n${vip}\n`;
    expect(said(file)).toEqual([`error: vrrp.instance.V.virtual_router_id: ${problem}`]);
  });

  test("is had once on an interface", () => {
    expect(saidOf(vip, second(""))).toEqual([
      "error: vrrp.instance.W.virtual_router_id: V has virtual_router_id 51 on eth0 already; give each virtual router of a network its own, 1..255",
    ]);
  });

  test("may be had twice with other unicast peers, but not with virtual MAC addresses", () => {
    const peers = ['unicast_peer = "192.0.2.2"', 'unicast_peer = "192.0.2.3"'];
    expect(saidOf(`${vip}\n${peers[0]}`, second(peers[1] ?? ""))).toEqual([]);
    const [first, other] = peers.map((peer) => `${peer}\nuse_vmac = true`);
    const lines = saidOf(`${vip}\n${first}`, second(other ?? ""));
    expect(lines.filter((line) => line.startsWith("error"))).toEqual([
      "error: vrrp.instance.W.virtual_router_id: V has the virtual MAC address of VRID 51 on eth0 already; give it another virtual_router_id, or remove use_vmac",
    ]);
  });
});

describe("unicast", () => {
  const vip = 'virtual_ipaddress = "192.0.2.100/24"\n';

  test("to or from a virtual address is warned of", () => {
    expect(saidOf(`${vip}unicast_src_ip = "192.0.2.100"\nunicast_peer = ["192.0.2.2", "192.0.2.100"]`)).toEqual([
      "warning: unicast_src_ip: 192.0.2.100 is a virtual address: this router does not have it while it is BACKUP; write this host's own address",
      "error: unicast_peer[1]: 192.0.2.100 is unicast_src_ip, too; list the other routers only",
    ]);
    expect(saidOf(`${vip}unicast_peer = "192.0.2.100"`)).toEqual([
      "warning: unicast_peer: 192.0.2.100 is a virtual address: adverts to it come back to whoever is MASTER; write the other router's own address",
    ]);
  });

  test("from the address that it owns is as it should be", () => {
    const owner = 'priority = 255\nstate = "MASTER"\nunicast_src_ip = "192.0.2.100"\nunicast_peer = "192.0.2.2"';
    expect(saidOf(vip + owner)).toEqual([]);
  });

  test("with a virtual MAC address is warned of", () => {
    expect(saidOf(`${vip}use_vmac = true`)).toEqual([]);
    expect(saidOf(`${vip}use_vmac = true\nunicast_peer = "192.0.2.2"`)).toEqual([
      expect.stringContaining("warning: use_vmac: networks that need unicast adverts often drop frames"),
    ]);
  });
});

describe("what is tracked", () => {
  const vip = 'virtual_ipaddress = "192.0.2.100/24"\n';

  test("is warned of when it is a listen that never fails", () => {
    const tracking = `${vip}track_listen = ["web"]`;
    expect(saidOf(tracking, web(":14900"))).toEqual([]);
    expect(saidOf(tracking, web(":14900", "false"))).toContain(
      "warning: track_listen[0]: web has no server that is checked: it never counts as failed; give its servers a check",
    );
    expect(saidOf(tracking, web(":14900").split("[[listen")[0] ?? "")).toContain(
      "warning: track_listen[0]: web has no server: it never counts as failed; give its servers a check",
    );
  });

  test.each([
    ["priority = 250", "weight = 20", 270],
    ["priority = 254", "weight = 2", 256],
    ["priority = 240", "weight = -20, reverse = true", 260],
    ["priority = 240", "weight = 20, reverse = true", null],
    ["priority = 240", "weight = 14", null],
    ["priority = 240", "weight = -100", null],
  ])("%s with a script of %s comes to more than adverts carry: %p", (priority, weight, most) => {
    const script = '[[vrrp.script]]\nname = "chk"\ncommand = "/usr/bin/true"\n';
    const lines = saidOf(`${vip}${priority}\ntrack_script = [{ name = "chk", ${weight} }]`, script);
    const warned = `warning: priority: with its weights it comes to ${most}, of which adverts carry 254; lower it, so that two routers cannot meet at the limit`;
    expect(lines).toEqual(most === null ? [] : [warned]);
  });

  test("counts the script's own weight where the instance has none", () => {
    const script = '[[vrrp.script]]\nname = "chk"\ncommand = "/usr/bin/true"\nweight = 30\n';
    expect(saidOf(`${vip}priority = 240\ntrack_script = ["chk"]`, script)).toEqual([
      expect.stringContaining("with its weights it comes to 270"),
    ]);
  });
});

describe("addresses that nobody answers at", () => {
  const vips = (list: string) => `version = 3\nvirtual_ipaddress = ${list}`;
  const idle =
    'warning: virtual_ipaddress: no listen is bound to any of these addresses: connections to them are refused; add one of them to a bind, or bind to ":PORT" (every address)';

  test.each([
    [":14900", '["192.0.2.100/24"]', []],
    ["192.0.2.100:14900", '["192.0.2.99/24", "192.0.2.100/24"]', []],
    ["192.0.2.1:14900", '["192.0.2.100/24"]', [idle]],
    [":14900", '["2001:db8::100/64"]', [idle]],
    ["[::]:14900", '["2001:db8::100/64"]', []],
    ["[2001:DB8:0::100]:14900", '["2001:db8::100/64"]', []],
    ["unix:/run/a.sock", '["192.0.2.100/24"]', [idle]],
  ])("bind %s, %s", (bind, list, lines) => expect(saidOf(vips(list), web(bind))).toEqual(lines));

  test("are no news where there is no listen at all", () => {
    expect(saidOf(vips('["192.0.2.100/24"]'))).toEqual([]);
  });
});

describe("a command", () => {
  const vip = 'virtual_ipaddress = "192.0.2.100/24"\n';

  test.each([
    [
      "notify_master",
      '"/etc/keepalived/master.sh eth0"',
      'write notify_master = ["/etc/keepalived/master.sh", "eth0"]',
    ],
    ["notify", '"changed.sh"', "write where the program is, as in /usr/bin/ping"],
    ["notify_stop", "[]", 'write notify_stop = ["/path/of/program", "argument"]'],
    ["notify_master_rx_lower_pri", '"a b"', 'write notify_master_rx_lower_pri = ["a", "b"]'],
  ])("%s = %s is refused with what to write", (key, value, hint) => {
    expect(saidOf(`${vip}${key} = ${value}`)).toEqual([
      expect.stringMatching(new RegExp(`^error: ${key}: .*; ${RegExp.escape(hint)}$`)),
    ]);
  });

  test("with arguments of its own is right", () => {
    expect(saidOf(`${vip}notify_backup = ["/usr/local/bin/b", "a b", ""]`)).toEqual([
      expect.stringContaining("notify_backup[2]"),
    ]);
    expect(saidOf(`${vip}notify_backup = ["/usr/local/bin/b", "a b"]`)).toEqual([]);
    expect(saidOf(`${vip}notify_backup = ["/opt/our tools/b", "a"]`)).toEqual([]);
  });
});
