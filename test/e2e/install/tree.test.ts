import { describe, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { binary, type Result, run, runOk } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { root, tool } from "../../support/tools.ts";

const CONFIG = "etc/haproxy-lite/haproxy-lite.toml";
const MANIFEST = "var/lib/haproxy-lite/manifest.json";
const UNIT = "etc/systemd/system/haproxy-lite.service";

/** A tree with the accounts that every system has. */
function makeTree({ systemd = true } = {}): string {
  const tree = tmpDir();
  mkdirSync(join(tree, "etc"));
  writeFileSync(join(tree, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  writeFileSync(join(tree, "etc/group"), "root:x:0:\n");
  if (systemd) mkdirSync(join(tree, "run/systemd/system"), { recursive: true });
  return tree;
}

const install = (tree: string, ...flags: string[]): Promise<Result> =>
  run([binary(), "install", "--root", tree, ...flags]);
const uninstall = (tree: string, ...flags: string[]): Promise<Result> =>
  run([binary(), "uninstall", "--root", tree, ...flags]);

/** Everything in a tree: kind, mode, owner, contents. Equal pictures, equal trees. */
function picture(tree: string): Record<string, string> {
  const seen: Record<string, string> = {};
  for (const name of readdirSync(tree, { recursive: true, encoding: "utf8" }).sort()) {
    const path = join(tree, name);
    const stat = lstatSync(path);
    const rights = `${(stat.mode & 0o7777).toString(8).padStart(4, "0")} ${stat.uid}:${stat.gid}`;
    if (stat.isSymbolicLink()) seen[name] = `-> ${readlinkSync(path)}`;
    else if (stat.isDirectory()) seen[name] = `${rights} directory`;
    else seen[name] = `${rights} ${Bun.hash(readFileSync(path)).toString(16)}`;
  }
  return seen;
}

function inodes(tree: string): Record<string, string> {
  const names = readdirSync(tree, { recursive: true, encoding: "utf8" }).sort();
  return Object.fromEntries(
    names.map((name) => {
      const { ino, mtimeMs, ctimeMs } = lstatSync(join(tree, name));
      return [name, `${ino} ${mtimeMs} ${ctimeMs}`];
    }),
  );
}

/** "create" by path, from what was printed. */
function verdicts(said: Result): Record<string, string> {
  const lines = said.stdout.split("\n").filter((line) => /^(create|keep|change|remove|run) /.test(line));
  return Object.fromEntries(lines.map((line) => line.split(/\s+/).slice(0, 2).reverse()));
}

describe.skipIf(!root())("install --root", () => {
  test("puts a service into an image with systemd", async () => {
    const tree = makeTree();
    expect(await install(tree)).toMatchObject({ code: 0, stderr: "" });
    const after = picture(tree);
    expect(readFileSync(join(tree, "etc/passwd"), "utf8")).toContain(
      "\nhaproxy-lite:x:999:999:haproxy-lite:/var/lib/haproxy-lite:/sbin/nologin\n",
    );
    const rights = Object.fromEntries(Object.entries(after).map(([name, text]) => [name, text.replace(/ \w+$/, "")]));
    expect(rights).toMatchObject({
      "usr/sbin/haproxy-lite": "0755 0:0",
      "etc/haproxy-lite": "0755 0:0",
      [CONFIG]: "0640 0:999",
      "var/log/haproxy-lite": "0700 999:999",
      "etc/sudoers.d/haproxy-lite": "0440 0:0",
      "etc/logrotate.d/haproxy-lite": "0644 0:0",
      "etc/rsyslog.d/haproxy-lite.conf": "0644 0:0",
      "etc/sysctl.d/90-haproxy-lite.conf": "0644 0:0",
      [UNIT]: "0644 0:0",
      "usr/local/share/man/man8/haproxy-lite.8": "0644 0:0",
      "usr/local/share/man/man5/haproxy-lite.toml.5": "0644 0:0",
      "usr/share/bash-completion/completions/haproxy-lite": "0644 0:0",
    });
    expect(Object.keys(after).filter((name) => name.includes("init.d"))).toEqual([]);
    const installed = readFileSync(join(tree, "usr/sbin/haproxy-lite"));
    expect(installed.equals(readFileSync(binary()))).toBe(true);
    expect(await runOk([join(tree, "usr/sbin/haproxy-lite"), "--version"])).toStartWith("haproxy-lite ");
  });

  test.skipIf(tool("systemd-analyze") === null)("enables the unit as systemctl would", async () => {
    const tree = makeTree();
    await install(tree);
    expect((await run(["systemctl", `--root=${tree}`, "is-enabled", "haproxy-lite"])).stdout).toBe("enabled\n");
    const link = join(tree, "etc/systemd/system/multi-user.target.wants/haproxy-lite.service");
    const ours = readlinkSync(link);
    await runOk(["systemctl", `--root=${tree}`, "disable", "haproxy-lite"]);
    expect(existsSync(link)).toBe(false);
    await runOk(["systemctl", `--root=${tree}`, "enable", "haproxy-lite"]);
    expect(readlinkSync(link)).toBe(ours);
  });

  test("leaves a service disabled that the administrator has disabled", async () => {
    const tree = makeTree();
    await install(tree);
    const link = join(tree, "etc/systemd/system/multi-user.target.wants/haproxy-lite.service");
    rmSync(link);
    await install(tree);
    expect(lstatSync(link, { throwIfNoEntry: false })).toBeUndefined();
  });

  test("puts an init script with its links where there is no systemd, and with --sysv", async () => {
    for (const [tree, flags] of [
      [makeTree({ systemd: false }), []],
      [makeTree(), ["--sysv"]],
    ] as const) {
      await install(tree, ...flags);
      expect(existsSync(join(tree, UNIT))).toBe(false);
      expect(lstatSync(join(tree, "etc/rc.d/init.d/haproxy-lite")).mode & 0o7777).toBe(0o755);
      const links = [0, 1, 2, 3, 4, 5, 6].flatMap((level) => readdirSync(join(tree, `etc/rc.d/rc${level}.d`)));
      const [on, off] = ["S86haproxy-lite", "K14haproxy-lite"];
      expect(links).toEqual([off, off, on, on, on, on, off]);
      expect(existsSync(join(tree, "etc/rc.d/rc3.d/S86haproxy-lite"))).toBe(true);
      expect(readFileSync(join(tree, "etc/sudoers.d/haproxy-lite"), "utf8")).toContain(
        "/etc/rc.d/init.d/haproxy-lite stop",
      );
    }
  });

  test("takes the script away when the host has changed to systemd: never both", async () => {
    const tree = makeTree({ systemd: false });
    await install(tree);
    mkdirSync(join(tree, "run/systemd/system"), { recursive: true });
    await install(tree);
    expect(existsSync(join(tree, UNIT))).toBe(true);
    expect(
      readdirSync(join(tree, "etc/rc.d"), { recursive: true, encoding: "utf8" }).filter((n) => n.includes("haproxy")),
    ).toEqual([]);
  });

  test("changes nothing the second time, not even a time stamp", async () => {
    const tree = makeTree();
    await install(tree);
    const before = inodes(tree);
    const said = await install(tree);
    expect(inodes(tree)).toEqual(before);
    expect(new Set(Object.values(verdicts(said)))).toEqual(new Set(["keep"]));
  });

  test("writes rights out, whatever the umask is", async () => {
    const trees = [makeTree(), makeTree()];
    const pictures = await Promise.all(
      trees.map(async (tree, index) => {
        const umask = index === 0 ? "022" : "077";
        await runOk(["sh", "-c", `umask ${umask}; exec "$@"`, "sh", binary(), "install", "--root", tree]);
        return picture(tree);
      }),
    );
    expect(pictures[1]).toEqual(pictures[0] ?? {});
  });

  test("--dry-run prints what, mode and owner, and touches nothing", async () => {
    const tree = makeTree();
    const before = inodes(tree);
    const said = await install(tree, "--dry-run");
    expect(inodes(tree)).toEqual(before);
    expect(said.code).toBe(0);
    expect(said.stdout).toMatch(/^create +\/etc\/haproxy-lite\/haproxy-lite\.toml +0640 +root:haproxy-lite$/m);
    expect(said.stdout).toMatch(/^create +\/var\/log\/haproxy-lite\/ +0700 +haproxy-lite:haproxy-lite$/m);
    expect(said.stdout).toMatch(/^create +account haproxy-lite /m);
    await install(tree);
    const planned = verdicts(said);
    expect(verdicts(await install(tree, "--dry-run"))[`/${CONFIG}`]).toBe("keep");
    // What was planned is what came.
    for (const path of Object.keys(planned).filter((name) => name.startsWith("/")))
      expect(lstatSync(join(tree, path), { throwIfNoEntry: false })).toBeDefined();
  });

  test("keeps an edited configuration, and puts the new one beside it", async () => {
    const tree = makeTree();
    mkdirSync(join(tree, "etc/haproxy-lite"));
    writeFileSync(join(tree, CONFIG), "# mine\n", { mode: 0o600 });
    const said = await install(tree);
    expect(readFileSync(join(tree, CONFIG), "utf8")).toBe("# mine\n");
    expect(readFileSync(join(tree, `${CONFIG}.new`), "utf8")).toContain("[listen.tcp_service_a]");
    expect(said.stdout).toContain(`what is new: /${CONFIG}.new`);
    expect(said.stdout).toContain(`chgrp haproxy-lite /${CONFIG}`);
  });

  test("does not follow a link out of the tree", async () => {
    const [tree, host] = [makeTree(), tmpDir()];
    symlinkSync(host, join(tree, "usr"));
    const said = await install(tree);
    expect(said).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("leads out of the tree") as unknown as string,
    });
    expect(readdirSync(host)).toEqual([]);
    expect(existsSync(join(tree, CONFIG))).toBe(false);
  });

  test("follows a link that stays in the tree, as merged directories have it", async () => {
    const tree = makeTree();
    mkdirSync(join(tree, "usr/bin"), { recursive: true });
    symlinkSync("bin", join(tree, "usr/sbin"));
    expect((await install(tree)).code).toBe(0);
    expect(existsSync(join(tree, "usr/bin/haproxy-lite"))).toBe(true);
    expect((await uninstall(tree)).code).toBe(0);
    expect(readlinkSync(join(tree, "usr/sbin"))).toBe("bin");
  });

  test("that fails half-way takes everything back, and says where", async () => {
    const tree = makeTree();
    mkdirSync(join(tree, "usr/local/share"), { recursive: true });
    const before = picture(tree);
    const script = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"';
    const closed = join(tree, "usr/local/share");
    const said = await run(["unshare", "-m", "sh", "-c", script, "sh", closed, binary(), "install", "--root", tree]);
    expect(said.code).toBe(1);
    expect(said.stderr).toContain("install stopped at /usr/local/share/man: ");
    expect(said.stderr).toContain("everything done before was taken back");
    expect(picture(tree)).toEqual(before);
  });

  test("that fails in an update gives the old files back", async () => {
    const tree = makeTree();
    await install(tree);
    writeFileSync(join(tree, "usr/sbin/haproxy-lite"), "old program");
    writeFileSync(join(tree, "usr/local/share/man/man8/haproxy-lite.8"), "old page");
    const before = picture(tree);
    const script = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"';
    const closed = join(tree, "usr/local/share");
    const said = await run(["unshare", "-m", "sh", "-c", script, "sh", closed, binary(), "install", "--root", tree]);
    expect(said.stderr).toContain("install stopped at /usr/local/share/man/man8/haproxy-lite.8: ");
    expect(picture(tree)).toEqual(before);
  });

  test("without privilege exits 4 and says what is needed; a plan may be made by anybody", async () => {
    const tree = makeTree();
    await runOk(["chmod", "755", tree]);
    const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    for (const verb of ["install", "uninstall"]) {
      const said = await run([...nobody, binary(), verb, "--root", tree]);
      expect(said).toMatchObject({
        code: 4,
        stdout: "",
        stderr: expect.stringContaining(`${verb} needs root`) as unknown as string,
      });
    }
    expect((await run([...nobody, binary(), "install", "--root", tree, "--dry-run"])).code).toBe(0);
    expect(existsSync(join(tree, CONFIG))).toBe(false);
  });

  test("of a tree that is not there is wrong usage", async () => {
    expect((await install(join(tmpDir(), "missing"))).code).toBe(2);
  });
});

describe.skipIf(!root())("uninstall --root", () => {
  test.each([true, false])("leaves a tree as it was before (systemd: %p)", async (systemd) => {
    const tree = makeTree({ systemd });
    const before = picture(tree);
    await install(tree);
    expect(await uninstall(tree)).toMatchObject({ code: 0, stderr: "" });
    expect(picture(tree)).toEqual(before);
  });

  test("leaves an empty tree empty", async () => {
    const tree = tmpDir();
    await install(tree);
    await uninstall(tree);
    expect(readdirSync(tree)).toEqual([]);
  });

  test("keeps what was edited, and what somebody else put there; --purge then takes the edited files", async () => {
    const tree = makeTree();
    const before = picture(tree);
    await install(tree);
    writeFileSync(join(tree, CONFIG), "# mine\n");
    writeFileSync(join(tree, "etc/logrotate.d/other"), "# theirs\n");
    writeFileSync(join(tree, "var/log/haproxy-lite/haproxy-lite.log"), "a line\n");
    const said = await uninstall(tree);
    expect(said.code).toBe(0);
    expect(verdicts(said)[`/${CONFIG}`]).toBe("keep");
    const left = Object.keys(picture(tree)).filter((name) => !Object.hasOwn(before, name));
    expect(left.filter((name) => lstatSync(join(tree, name)).isFile()).sort()).toEqual([
      CONFIG,
      "etc/logrotate.d/other",
      MANIFEST,
      "var/log/haproxy-lite/haproxy-lite.log",
    ]);
    // The log belongs to it.
    expect(readFileSync(join(tree, "etc/passwd"), "utf8")).toContain("haproxy-lite");
    expect((await uninstall(tree, "--purge")).code).toBe(0);
    expect(Object.keys(picture(tree)).filter((name) => !Object.hasOwn(before, name))).toEqual([
      "etc/logrotate.d",
      "etc/logrotate.d/other",
    ]);
  });

  test("--dry-run touches nothing", async () => {
    const tree = makeTree();
    await install(tree);
    const before = inodes(tree);
    const said = await uninstall(tree, "--dry-run", "--purge");
    expect(verdicts(said)["/usr/sbin/haproxy-lite"]).toBe("remove");
    expect(inodes(tree)).toEqual(before);
  });

  test("of what was never installed, or has a damaged manifest, removes nothing and exits 1", async () => {
    const tree = makeTree();
    expect(await uninstall(tree)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("nothing was installed") as unknown as string,
    });
    await install(tree);
    const manifest = readFileSync(join(tree, MANIFEST), "utf8");
    writeFileSync(join(tree, MANIFEST), manifest.replace("/etc/sysctl.d", "/etc/../../etc"));
    const before = picture(tree);
    expect(await uninstall(tree)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("damaged") as unknown as string,
    });
    expect(picture(tree)).toEqual(before);
  });
});
