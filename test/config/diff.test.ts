import { expect, test } from "bun:test";
import { readConfig } from "../../src/config/config.ts";
import { diffConfig } from "../../src/config/diff.ts";
import type { Config } from "../../src/config/schema.ts";

const INSTANCE = 'interface = "eth0"\nvirtual_router_id = 51\nvirtual_ipaddress = ["192.0.2.100/24"]\n';
const SCRIPT = '[[vrrp.script]]\nname = "chk"\ncommand = ["/bin/true"]\n';
const BASE = `[listen.web]
bind = "127.0.0.1:8000"
[[listen.web.server]]
name = "s1"
address = "127.0.0.1:9000"
`;

function config(toml: string): Config {
  const read = readConfig({ path: "f.toml", bytes: new TextEncoder().encode(toml) }, { cpus: 2, ephemeralPorts: null });
  if (read.config === null) throw new Error(JSON.stringify(read.issues));
  return read.config;
}

function diff(before: string, after: string): string[] {
  return diffConfig(config(before), config(after)).map((difference) => {
    switch (difference.kind) {
      case "section":
        return difference.section;
      case "vrrp":
        return `${difference.part} ${difference.change}`;
      case "serverAdded":
      case "serverRemoved":
      case "serverChanged":
        return `${difference.kind} ${difference.listen}/${difference.server.name}`;
      default:
        return `${difference.kind} ${difference.listen.name}`;
    }
  });
}

test("the same file, and the same meaning written otherwise, differ in nothing", () => {
  expect(diff(BASE, BASE)).toEqual([]);
  expect(diff(`${BASE}weight = 1`, `# a comment\n${BASE}`)).toEqual([]);
});

test.each([
  ["a key of [global]", BASE, `[global]\nmaxconn = 7\n${BASE}`, ["global"]],
  ["a log", BASE, `[[log]]\naddress = "stdout"\n${BASE}`, ["log"]],
  ["a server's weight", BASE, `${BASE}weight = 7`, ["serverChanged web/s1"]],
  ["a listen's name", BASE, BASE.replaceAll("web", "app"), ["listenRemoved web", "listenAdded app"]],
  ["a section that is new", BASE, `${BASE}[stats]\nbind = ":8404"`, ["stats"]],
  ["[vrrp] itself", `${BASE}[vrrp.instance.A]\n${INSTANCE}`, BASE, ["vrrp removed"]],
  [
    "a key of one instance",
    `${BASE}[vrrp.instance.A]\n${INSTANCE}`,
    `${BASE}[vrrp.instance.A]\n${INSTANCE}priority = 90`,
    ["vrrp.instance A changed"],
  ],
  [
    "an instance and a script that are new",
    `${BASE}[vrrp.instance.A]\n${INSTANCE}`,
    `${BASE}${SCRIPT}[vrrp.instance.A]\n${INSTANCE}[vrrp.instance.B]\n${INSTANCE.replace("51", "52").replace(".100", ".101")}`,
    ["vrrp.script chk added", "vrrp.instance B added"],
  ],
  [
    "router_id",
    `${BASE}[vrrp.instance.A]\n${INSTANCE}`,
    `${BASE}[vrrp]\nrouter_id = "x"\n[vrrp.instance.A]\n${INSTANCE}`,
    ["vrrp changed"],
  ],
])("says what differs: %s", (_name, before, after, expected) => {
  expect(diff(before, after)).toEqual(expected);
});
