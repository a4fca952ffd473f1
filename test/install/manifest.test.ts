import { expect, test } from "bun:test";
import { type Entry, parseManifest, renderManifest } from "../../src/install/manifest.ts";

const ENTRIES: Entry[] = [
  { kind: "account", name: "haproxy-lite", user: true, group: false, created: ["/etc/passwd"] },
  { kind: "directory", path: "/etc/haproxy-lite" },
  { kind: "file", path: "/etc/haproxy-lite/a", sha256: "00" },
  { kind: "link", path: "/etc/l", target: "../x" },
  { kind: "firewall", undo: [["iptables", "-D", "INPUT"]] },
];

test("a manifest is read as it was written", () => {
  const manifest = { version: "1.2.3", entries: ENTRIES };
  expect(parseManifest(renderManifest(manifest), "/m")).toEqual(manifest);
});

test("a manifest that is damaged, or names what no installation writes, is refused whole", () => {
  const bad = (entry: object): string => JSON.stringify({ format: 1, version: "1", entries: [...ENTRIES, entry] });
  for (const text of [
    "",
    "{}",
    "[]",
    '{"format":2,"version":"1","entries":[]}',
    bad({ kind: "file", path: "/etc/../../home", sha256: "" }),
    bad({ kind: "file", path: "relative", sha256: "" }),
    bad({ kind: "directory", path: "/" }),
    bad({ kind: "file", path: "/etc/x" }),
    bad({ kind: "surprise", path: "/etc/x" }),
    bad({ kind: "firewall", undo: "rm -rf" }),
  ])
    expect(() => parseManifest(text, "/var/lib/m")).toThrow(/^\/var\/lib\/m does not say/);
});
