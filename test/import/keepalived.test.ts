import { describe, expect, test } from "bun:test";
import { asksForProxy } from "../../src/import/keepalived/scripts.ts";
import { splitCommand, splitLine, stripComment } from "../../src/import/keepalived/words.ts";
import { ImportError } from "../../src/import/source.ts";
import { corpus, imported } from "./importing.ts";

const instance = (...lines: string[]) =>
  `vrrp_instance VI {\n interface eth0\n virtual_router_id 5\n virtual_ipaddress { 192.0.2.1 }\n${lines.join("\n")}\n}\n`;

describe("a line of keepalived's", () => {
  test("comments begin with ! or #, outside of quotes and not behind a backslash", () => {
    expect(stripComment('a "b!c" d ! e # f')).toEqual({ body: 'a "b!c" d ', comment: " e # f" });
    expect(stripComment("a\\#b")).toEqual({ body: "a\\#b", comment: null });
  });
  test("braces and quotes part words", () => {
    const texts = splitLine('script "/bin/a b" {x}').map((token) => (token.kind === "word" ? token.text : token.kind));
    expect(texts).toEqual(["script", "/bin/a b", "open", "x", "close"]);
  });
  test("a command is words, or a shell's where only one understands it", () => {
    expect(splitCommand("/bin/a 'b c' d")).toEqual(["/bin/a", "b c", "d"]);
    expect(splitCommand("a | b")).toEqual(["/bin/sh", "-c", "a | b"]);
  });
});

describe("scripts that ask for HAProxy's process", () => {
  for (const script of [
    "killall -0 haproxy",
    "/usr/bin/killall -0 haproxy",
    "pidof haproxy",
    "systemctl is-active --quiet haproxy",
    "/usr/bin/pgrep -x haproxy",
    "kill -0 $(cat /run/haproxy.pid)",
    "service haproxy status",
  ]) {
    test(script, () => expect(asksForProxy(script)).toBe(true));
  }
  test("others are left as they are", () => {
    for (const script of ["killall -0 nginx", "/usr/bin/curl http://haproxy/", "/bin/true"])
      expect(asksForProxy(script)).toBe(false);
  });
  test("become track_proxy with their weight, and a comment that says why", () => {
    const { toml } = imported(
      `vrrp_script c {\n script "killall -0 haproxy"\n weight 2\n}\n${instance("track_script {", "c", "}")}`,
    );
    expect(toml).toContain('# was vrrp_script c, "killall -0 haproxy"');
    expect(toml).toContain("track_proxy = { weight = 2 }");
    expect(toml).not.toContain("[[vrrp.script]]");
  });
});

describe("what a file says and what it becomes", () => {
  test("the corpus's pair", () => {
    const { toml, findings } = imported(corpus("pair.conf").text, {}, "pair.conf");
    expect(toml).toContain('unicast_src_ip = "192.0.2.1"');
    expect(toml).toContain('virtual_ipaddress = ["192.0.2.100/24", "192.0.2.101"]');
    expect(toml).toContain("# the address that everybody knows\nvirtual_ipaddress");
    const traffic = findings.filter(({ carriesTraffic }) => carriesTraffic).map(({ line }) => line);
    expect(traffic).toEqual([52, 70, 77, 88]);
  });
  test("sequences are refused by name", () => {
    const { findings } = imported(instance("~SEQ(i, 1, 3) priority $i"));
    expect(findings.map(({ why }) => why)).toContain("~SEQ is not worked out here");
  });
  test("an include that cannot be read is named, and one that can is part of the file", () => {
    const missing = imported("include other.conf\n", {}, "k.conf");
    expect(missing.findings[0]).toMatchObject({ carriesTraffic: true, why: expect.stringContaining("other.conf") });
    const files = { "other.conf": instance() };
    const { toml, lines } = imported(
      "include other.conf\n",
      { readIncluded: (path) => [{ path, text: files["other.conf"] }] },
      "k.conf",
    );
    expect(toml).toContain("[vrrp.instance.VI]");
    expect(
      lines.filter(({ file }) => file === "other.conf").every(({ fate, text }) => fate !== "blank" || text === ""),
    ).toBe(true);
  });
  test("an include of itself ends", () => {
    const itself = { path: "k.conf", text: "include k.conf\n" };
    expect(imported(itself.text, { readIncluded: () => [itself] }, "k.conf").findings.length).toBeGreaterThan(0);
  });
});

test("braces that do not match are refused with the place", () => {
  expect(() => imported("vrrp_instance a {\n interface eth0\n", {}, "k.conf")).toThrow(ImportError);
  expect(() => imported("vrrp_instance a {\n}\n}\n", {}, "k.conf")).toThrow("without its {");
});
