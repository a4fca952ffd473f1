import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binary, run } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";

const BLOG = join(import.meta.dir, "../../fixtures/import/blog");
const CORPUS = join(import.meta.dir, "../../import/corpus");

const importing = (...args: string[]) => run([binary(), "import", ...args]);

describe("the command import", () => {
  test("writes TOML to stdout and findings to stderr, each with its place", async () => {
    const done = await importing(join(CORPUS, "rules.cfg"));
    expect(done.stdout).toContain("[listen.usual]");
    expect(done.stderr).toMatch(/rules\.cfg:32:5: left out: server c .*: TLS to servers is not spoken here/);
    expect(done.stderr).toContain("and traffic depends on it");
    expect(done.code).toBe(1);
  });

  test("exits with 0 when no traffic is left out, and check takes what it wrote", async () => {
    const dir = tmpDir();
    const [source, result] = [join(dir, "haproxy.cfg"), join(dir, "out.toml")];
    writeFileSync(source, readFileSync(join(BLOG, "haproxy.cfg"), "utf8").replaceAll("xxx.xxx.xxx.00", "192.0.2."));
    const keepalived = join(dir, "keepalived.conf");
    writeFileSync(
      keepalived,
      readFileSync(join(BLOG, "keepalived-master.conf"), "utf8").replace("xxx.xxx.xxx.xxx", "192.0.2.100/24"),
    );
    const done = await importing(source, keepalived, "-o", result);
    expect(done.stdout).toBe("");
    expect(done.code).toBe(0);
    expect(readFileSync(result, "utf8")).toContain('virtual_ipaddress = ["192.0.2.100/24"]');
    // eth0 may not be there.
    writeFileSync(result, readFileSync(result, "utf8").replace('"eth0"', '"lo"'));
    const checked = await run([binary(), "check", "-q", "-c", result]);
    expect(`${checked.stderr}${checked.code}`).toBe("0");
  });

  test("includes of keepalived are found beside their file, patterns as well", async () => {
    const dir = tmpDir();
    mkdirSync(join(dir, "conf.d"));
    writeFileSync(join(dir, "keepalived.conf"), "! all of it\ninclude conf.d/*.conf\n");
    const instance = (name: string, id: number) =>
      `vrrp_instance ${name} {\n interface lo\n virtual_router_id ${id}\n virtual_ipaddress { 192.0.2.${id} }\n}\n`;
    writeFileSync(join(dir, "conf.d/a.conf"), instance("A", 1));
    writeFileSync(join(dir, "conf.d/b.conf"), instance("B", 2));
    const done = await importing(join(dir, "keepalived.conf"));
    expect(done.stdout).toMatch(/\[vrrp\.instance\.A\].*\[vrrp\.instance\.B\]/s);
    expect(done.code).toBe(0);
  });

  test("names a file that it cannot read, and one that is no configuration", async () => {
    const missing = await importing("/no/such/file.cfg");
    expect(missing.stderr).toContain("/no/such/file.cfg: the file cannot be read: ENOENT");
    expect(missing.code).toBe(1);
    const text = join(tmpDir(), "prose.cfg");
    writeFileSync(text, "Once upon a time\n");
    const prose = await importing(text);
    expect(prose.stderr).toContain("there is no section");
    expect(prose.code).toBe(1);
  });

  test("needs a file: usage, exit 2", async () => {
    const done = await importing();
    expect(done.code).toBe(2);
    expect(done.stderr).toContain("FILE … is needed");
  });
});

describe("check of a .cfg", () => {
  test("speaks of the lines of that file", async () => {
    const file = join(tmpDir(), "haproxy.cfg");
    writeFileSync(
      file,
      "listen a\n    bind 127.0.0.1:7000\n    bind 127.0.0.1:7000-7001\n    server s 127.0.0.1:7002\nlisten b\n    bind 127.0.0.1:7001\n    server s 127.0.0.1:7002\n",
    );
    const done = await run([binary(), "check", "-c", file]);
    expect(done.stderr).toMatch(/haproxy\.cfg:6:5: error: listen\.b\.bind.*7001/);
    expect(done.code).toBe(78);
  });

  test("takes findings for warnings", async () => {
    const done = await run([binary(), "check", "-c", join(CORPUS, "rules.cfg")]);
    expect(done.stderr).toMatch(/rules\.cfg:34:5: warning: left out: servers are not made from a name/);
    expect(done.code).toBe(0);
  });
});
