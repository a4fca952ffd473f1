import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CheckPeerIo, checkPeer } from "../../src/cli/checkPeer.ts";
import { run } from "../support/process.ts";
import { tmpDir } from "../support/tmp.ts";

const ROOT = join(import.meta.dir, "../..");

/** A host's file. */
function host(routerId: string, priority: number, lines = ""): string {
  return `[[log]]
address = "stdout"
[listen.web]
bind = ":8000"
timeout = { connect = "5s", client = "1m", server = "1m" }
check = true
[[listen.web.server]]
name = "s"
address = "192.0.2.11:4900"
[vrrp]
router_id = "${routerId}"
[vrrp.instance.VI_1]
interface = "eth0"
virtual_router_id = 51
priority = ${priority}
virtual_ipaddress = ["192.0.2.100/24"]
track_listen = [{ name = "web", weight = -20 }]
${lines}
`;
}

/** Writes two files and runs the command on them. */
async function checked(files: Readonly<Record<string, string>>, options: Partial<CheckPeerIo> = {}) {
  const dir = tmpDir();
  const paths = Object.entries(files).map(([name, text]) => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  });
  const [own = "", peer = ""] = paths;
  const [out, err]: [string[], string[]] = [[], []];
  const status = await checkPeer(own, peer, {
    out: (part) => out.push(part),
    err: (part) => err.push(part),
    colour: false,
    quiet: false,
    json: false,
    environment: { cpus: 2, ephemeralPorts: null },
    resolver: () => Promise.reject(new Error("no name is asked for here")),
    ...options,
  });
  return { status, out: out.join("").replaceAll(`${dir}/`, ""), err: err.join("").replaceAll(`${dir}/`, "") };
}

describe("check --peer", () => {
  test("calls a sound pair sound, and exits 0", async () => {
    const { status, out, err } = await checked({ "a.toml": host("lb01", 101), "b.toml": host("lb02", 100) });
    expect([status, err]).toEqual([0, ""]);
    expect(out).toStartWith("lb01 (a.toml) and lb02 (b.toml)\n");
    expect(out).toMatch(/The pair is sound: \d+ cases played\n$/);
    expect(out).toContain("VI_1: fine: lb02 owns it, and moves back when the fault is over\n");
    expect(out).toMatch(/ 3\.61 s +3\.61 s +- {2}lb01: host dead\n/);
    expect(out).toContain("lb01 BACKUP 81 = 101 - 20 (listen web failed); lb02 MASTER 100");
  });

  test("says what is wrong and what to do about it, and exits 1", async () => {
    const { status, out } = await checked({ "a.toml": host("lb01", 101), "b.toml": host("lb02", 101) });
    expect(status).toBe(1);
    expect(out).toContain("finding: VI_1: both have priority 101: whoever starts first keeps the addresses");
    expect(out).toContain("The pair has problems: 1 finding\n");
  });

  test("puts what goes wrong first, and shows nothing else when it is to be quiet", async () => {
    const weak = (priority: number) => host("x", priority).replace("-20", "-1");
    const files = { "a.toml": weak(110), "b.toml": weak(100) };
    const { status, out } = await checked(files);
    expect(status).toBe(1);
    const stuck = out.indexOf("VI_1: STAYS ON A HOST THAT CANNOT SERVE: a.toml owns it\n");
    expect(stuck).toBeGreaterThan(0);
    expect(stuck).toBeLessThan(out.indexOf("VI_1: fine"));
    const { out: quiet } = await checked(files, { quiet: true });
    expect(quiet).toContain("STAYS ON A HOST");
    expect(quiet).not.toContain("VI_1: fine");
  });

  test("gives programs the same in JSON", async () => {
    const { status, out } = await checked(
      { "a.toml": host("lb01", 101), "b.toml": host("lb02", 100, "version = 3") },
      { json: true },
    );
    const said = JSON.parse(out);
    expect([status, said.sound]).toEqual([1, false]);
    expect(said.hosts).toEqual([
      { name: "lb01", file: expect.stringContaining("a.toml") },
      { name: "lb02", file: expect.stringContaining("b.toml") },
    ]);
    expect(said.findings).toEqual([expect.objectContaining({ code: "version", subject: "VI_1" })]);
    expect(said.rows[0]).toMatchObject({ verdict: "two owners", owners: ["lb01", "lb02"], twoOwnersMs: null });
  });

  test("reads keepalived's files: what the published pair comes to", async () => {
    const blog = (name: string) =>
      readFileSync(join(ROOT, "test/fixtures/vrrp", `keepalived-blog-${name}.conf`), "utf8").replace(
        "xxx.xxx.xxx.xxx",
        "192.0.2.100",
      );
    const files = { "master.conf": blog("master"), "backup.conf": blog("backup") };
    const { status, out } = await checked(files, { json: true });
    expect(status).toBe(1);
    const { findings, rows } = JSON.parse(out) as {
      findings: { code: string }[];
      rows: { fault: string; owners: string[]; movesBack: boolean | null }[];
    };
    const codes = findings.map(({ code }) => code);
    expect(new Set(codes)).toEqual(new Set(["password_length", "equal_priority", "slow_handover"]));
    const owners = (fault: string) => rows.find((row) => row.fault === fault)?.owners;
    expect(owners("start: master first")).toEqual(["master"]);
    expect(owners("start: backup first")).toEqual(["backup"]);
    expect(rows.find(({ fault }) => fault === "backup: host dead")).toMatchObject({
      owners: ["master"],
      movesBack: false,
    });
  });

  test("refuses a file that is not valid, the peer's as well, and exits 78", async () => {
    const { status, err } = await checked({ "a.toml": host("lb01", 101), "b.toml": host("lb02", 300) });
    expect(status).toBe(78);
    expect(err).toContain("b.toml:15:12: error: vrrp.instance.VI_1.priority");
    expect(err).toEndWith("b.toml is not valid\n");
  });

  test("has nothing to say of a file without a virtual address", async () => {
    const plain = host("lb01", 101).replace(/\[vrrp\][\s\S]*/, "");
    await expect(checked({ "a.toml": host("lb01", 101), "b.toml": plain })).rejects.toThrow(
      /b\.toml has no \[vrrp\.instance/,
    );
  });

  test("finds a check script that this host cannot run, and says nothing of the peer's", async () => {
    const script = '[[vrrp.script]]\nname = "chk"\ncommand = ["/no/such/program"]\n';
    const lines = `track_script = ["chk"]\n${script}`;
    const { out } = await checked({ "a.toml": host("lb01", 101, lines), "b.toml": host("lb02", 100, lines) });
    expect(out).toContain("script chk on lb01 cannot be run: /no/such/program does not exist");
    expect(out).not.toContain("script chk on lb02 cannot");
  });
});

describe("the command line", () => {
  const main = (...args: string[]) => run([process.execPath, "src/main.ts", "check", ...args], { cwd: ROOT });

  test("judges a pair of files, whoever asks", async () => {
    const dir = tmpDir();
    const write = (name: string, text: string): string => {
      writeFileSync(join(dir, name), text);
      return join(dir, name);
    };
    const { code, stdout } = await main(
      "-c",
      write("a.toml", host("a", 101)),
      "--peer",
      write("b.toml", host("b", 100)),
    );
    expect(stdout).toContain("The pair is sound");
    expect(code).toBe(0);
  });

  test("knows --json only beside --peer", async () => {
    const { code, stderr } = await main("-c", "haproxy-lite.toml", "--json");
    expect([code, stderr.split("\n")[0]]).toEqual([2, "haproxy-lite: --json belongs to --peer"]);
  });
});
