import { describe, expect, test } from "bun:test";
import { chmodSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfigFile, systemEnvironment } from "../../src/config/load.ts";
import type { Resolver } from "../../src/config/names.ts";
import { resolveHost } from "../../src/core/host.ts";
import { run } from "../support/process.ts";
import { tmpDir } from "../support/tmp.ts";
import { root } from "../support/tools.ts";

const machine = { cpus: 2, ephemeralPorts: null };

const never: Resolver = (name) => Promise.reject(new Error(`${name} must not be asked for`));

const HEAD = `[[log]]
address = "stdout"
[listen.a]
bind = ":8080"
timeout = { connect = "5s", client = "1m", server = "1m" }
check = true
`;

function server(name: string, address: string, more = ""): string {
  return `[[listen.a.server]]\nname = "${name}"\naddress = "${address}"\n${more}\n`;
}

async function load(text: string, resolver: Resolver = never) {
  const path = join(tmpDir(), "c.toml");
  writeFileSync(path, text);
  return await loadConfigFile(path, machine, { resolver });
}

/** The messages of loading a path that cannot be loaded. */
async function refusal(path: string): Promise<string> {
  const { config, issues, text } = await loadConfigFile(path, machine, { resolver: never });
  expect(config).toBeNull();
  expect(text).toBe("");
  return issues.map(({ message }) => message).join("\n");
}

describe("a file", () => {
  test("that is there and right is loaded, with its text", async () => {
    const text = HEAD + server("s", "192.0.2.11:4900");
    const loaded = await load(text);
    expect(loaded.issues).toEqual([]);
    expect(loaded.config?.listens[0]?.servers[0]?.name).toBe("s");
    expect(loaded.text).toBe(text);
  });

  test("that is missing", async () => {
    expect(await refusal(join(tmpDir(), "none.toml"))).toBe("there is no such file");
  });

  test("that is a directory", async () => {
    expect(await refusal(tmpDir())).toBe("this is a directory, not a configuration file");
  });

  test("under a path through a file", async () => {
    const path = join(tmpDir(), "file");
    writeFileSync(path, "");
    expect(await refusal(join(path, "c.toml"))).toBe("a part of the path is no directory");
  });

  test("that is a symbolic link to itself", async () => {
    const path = join(tmpDir(), "loop.toml");
    symlinkSync(path, path);
    expect(await refusal(path)).toBe("its symbolic links go round in a circle");
  });

  test("that is a pipe nobody writes to is refused at once", async () => {
    const path = join(tmpDir(), "pipe");
    expect((await run(["mkfifo", path])).code).toBe(0);
    expect(await refusal(path)).toBe("this is no regular file");
  });

  test("that is a device", async () => {
    expect(await refusal("/dev/zero")).toBe("this is no regular file");
  });

  test("of 50 MB is refused by its size, and not read", async () => {
    const path = join(tmpDir(), "huge.toml");
    writeFileSync(path, "");
    truncateSync(path, 50 * 1024 * 1024);
    const before = process.memoryUsage().rss;
    expect(await refusal(path)).toBe("the file has 50 MiB; a configuration has at most 1 MiB");
    expect(process.memoryUsage().rss - before).toBeLessThan(20 * 1024 * 1024);
  });

  test("of one byte too many is refused, of one less is read", async () => {
    const comment = (sizeBytes: number) => "#".repeat(sizeBytes);
    const path = join(tmpDir(), "c.toml");
    writeFileSync(path, comment(1_048_577));
    expect(await refusal(path)).toBe("the file has 1048577 bytes; a configuration has at most 1 MiB");
    writeFileSync(path, comment(1_048_576));
    const { issues } = await loadConfigFile(path, machine, { resolver: never });
    expect(issues.map(({ message }) => message)).toEqual(["nothing to do: there is no [listen.NAME] table"]);
  });

  test.skipIf(!root())("that this user may not read", async () => {
    const directory = tmpDir();
    const path = join(directory, "c.toml");
    writeFileSync(path, HEAD);
    chmodSync(path, 0o600);
    chmodSync(directory, 0o755);
    const script = `
      process.setgid(65534); process.setuid(65534);
      const { loadConfigFile } = await import(${JSON.stringify(join(import.meta.dir, "../../src/config/load.ts"))});
      const { issues } = await loadConfigFile(${JSON.stringify(path)}, { cpus: 1, ephemeralPorts: null });
      console.log(issues[0].message);`;
    // The modules are loaded before the user changes: a checkout may be closed to it.
    const warm = `await import(${JSON.stringify(join(import.meta.dir, "../../src/config/load.ts"))});`;
    const { stdout } = await run([process.execPath, "-e", warm + script]);
    expect(stdout.trim()).toBe("this user may not read the file");
  });
});

describe("host names", () => {
  test("are resolved, each once, and the check follows its server", async () => {
    const asked: string[] = [];
    const resolver: Resolver = async (name) => {
      asked.push(name);
      return name === "db1.example" ? "192.0.2.11" : "2001:db8::12";
    };
    const text =
      HEAD +
      server("one", "db1.example:4900") +
      server("again", "db1.example:4901", "check_port = 5000") +
      server("two", "db2.example:4900", 'check_address = "192.0.2.99"') +
      server("literal", "192.0.2.13:4900");
    const { config, issues } = await load(text, resolver);
    expect(issues).toEqual([]);
    expect(asked.sort()).toEqual(["db1.example", "db2.example"]);
    const servers = config?.listens[0]?.servers.map(({ hostname, address, check }) => [
      hostname,
      address,
      check?.address,
    ]);
    expect(servers).toEqual([
      ["db1.example", tcp("192.0.2.11", 4900), tcp("192.0.2.11", 4900)],
      ["db1.example", tcp("192.0.2.11", 4901), tcp("192.0.2.11", 5000)],
      ["db2.example", tcp("2001:db8::12", 4900), tcp("192.0.2.99", 4900)],
      [null, tcp("192.0.2.13", 4900), tcp("192.0.2.13", 4900)],
    ]);
  });

  test("that do not resolve refuse the file, all of them, at their place", async () => {
    const text = HEAD + server("one", "no1.example:4900") + server("two", "no2.example:4900");
    const { config, issues } = await load(text, () => Promise.reject(new Error("ENOTFOUND")));
    expect(config).toBeNull();
    expect(issues.map(({ severity, line, column, message }) => [severity, line, column, message])).toEqual([
      ["error", 9, 11, "no1.example does not resolve"],
      ["error", 13, 11, "no2.example does not resolve"],
    ]);
  });

  test("that need not resolve yet are a warning and stay names", async () => {
    const text = HEAD + server("one", "later.example:4900", 'init_addr = "none"');
    const { config, issues } = await load(text, () => Promise.reject(new Error("ENOTFOUND")));
    expect(issues.map(({ severity, message }) => [severity, message])).toEqual([
      ["warning", "later.example does not resolve: one stays down until it does"],
    ]);
    expect(config?.listens[0]?.servers[0]?.address).toEqual(tcp("later.example", 4900));
  });

  test("of log servers are resolved, too", async () => {
    const log = '[[log]]\naddress = "logs.example"\n';
    const text = log + HEAD + server("s", "192.0.2.11:4900");
    const found = await load(text, async () => "192.0.2.5");
    expect(found.config?.logs[0]?.target).toEqual({ kind: "udp", host: "192.0.2.5", port: 514 });
    const missing = await load(text, () => Promise.reject(new Error("ENOTFOUND")));
    expect(missing.issues.map(({ line, message }) => [line, message])).toEqual([[2, "logs.example does not resolve"]]);
  });

  test("are not asked for when the file is refused anyway", async () => {
    const { config } = await load(HEAD + server("s", "db.example:4900", "weight = -1"), never);
    expect(config).toBeNull();
  });

  test("an answer that is no address is none", async () => {
    const { config } = await load(HEAD + server("s", "db.example:4900"), async () => "not an address");
    expect(config).toBeNull();
  });

  test("the system's resolver knows localhost and refuses what is reserved to be unknown", async () => {
    expect(["127.0.0.1", "::1"]).toContain(await resolveHost("localhost"));
    expect(resolveHost("nothing.invalid")).rejects.toThrow();
  });
});

test("the environment is what the kernel says", async () => {
  const { cpus, ephemeralPorts } = systemEnvironment();
  expect(cpus).toBeGreaterThan(0);
  const [low, high] = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").trim().split(/\s+/).map(Number);
  expect(ephemeralPorts).toEqual({ low: low as number, high: high as number });
});

function tcp(host: string, port: number) {
  return { kind: "tcp" as const, host, port };
}
