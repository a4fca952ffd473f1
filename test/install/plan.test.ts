import { describe, expect, test } from "bun:test";
import type { Existing } from "../../src/install/facts.ts";
import type { FileItem, Item } from "../../src/install/item.ts";
import type { Entry } from "../../src/install/manifest.ts";
import { ancestors, type HostState, pathsOf, planInstall, type Step } from "../../src/install/plan.ts";

const sha = (text: string): string => new Bun.CryptoHasher("sha256").update(text).digest("hex");
const file = (content: string, rights: Partial<{ mode: number; uid: number; gid: number }> = {}): Existing => ({
  kind: "file",
  sha256: sha(content),
  mode: 0o644,
  uid: 0,
  gid: 0,
  ...rights,
});
const directory: Existing = { kind: "directory", mode: 0o755, uid: 0, gid: 0 };
const SETTINGS: FileItem = {
  kind: "file",
  path: "/etc/x.conf",
  content: "new",
  mode: 0o644,
  owner: "root:root",
  role: "settings",
  beside: ".new",
};
const LINK: Item = { kind: "link", path: "/etc/l", target: "x.conf" };

function plan(items: readonly Item[], existing: Record<string, Existing>, entries: readonly Entry[] | null = null) {
  const state: HostState = {
    existing: new Map(Object.entries({ "/etc": directory, ...existing })),
    manifest: entries === null ? null : { version: "0", entries },
    account: { uid: 900, gid: 901 },
  };
  return planInstall(items, state);
}

/** "create /etc/x.conf" */
function brief(steps: readonly Step[]): string[] {
  return steps.map((step) => {
    if (step.verdict === "remove") return `remove ${step.path}`;
    return `${step.verdict} ${step.item.kind === "account" ? "account" : step.item.path}`;
  });
}

describe("a file", () => {
  test("that is not there is created, with the directories on the way", () => {
    const { steps, entries } = plan([{ ...SETTINGS, path: "/etc/a/b/x.conf" }], {});
    expect(brief(steps)).toEqual(["create /etc/a", "create /etc/a/b", "create /etc/a/b/x.conf"]);
    expect(entries).toEqual([
      { kind: "directory", path: "/etc/a" },
      { kind: "directory", path: "/etc/a/b" },
      { kind: "file", path: "/etc/a/b/x.conf", sha256: sha("new") },
    ]);
  });

  test("that is as it should be is kept, and still counts as ours", () => {
    const { steps, entries } = plan([SETTINGS], { "/etc/x.conf": file("new") });
    expect(brief(steps)).toEqual(["keep /etc/x.conf"]);
    expect(entries).toEqual([{ kind: "file", path: "/etc/x.conf", sha256: sha("new") }]);
  });

  test("with other rights is changed", () => {
    for (const rights of [{ mode: 0o600 }, { uid: 900 }, { gid: 901 }])
      expect(brief(plan([SETTINGS], { "/etc/x.conf": file("new", rights) }).steps)).toEqual(["change /etc/x.conf"]);
  });

  test("that is as we once wrote it is updated", () => {
    const old: Entry = { kind: "file", path: "/etc/x.conf", sha256: sha("old") };
    const { steps, entries } = plan([SETTINGS], { "/etc/x.conf": file("old") }, [old]);
    expect(brief(steps)).toEqual(["change /etc/x.conf"]);
    expect(entries).toEqual([{ kind: "file", path: "/etc/x.conf", sha256: sha("new") }]);
  });

  test("that was edited is kept, and the new one lands beside it", () => {
    const old: Entry = { kind: "file", path: "/etc/x.conf", sha256: sha("old") };
    const { steps, entries } = plan([SETTINGS], { "/etc/x.conf": file("mine") }, [old]);
    expect(brief(steps)).toEqual(["keep /etc/x.conf", "create /etc/x.conf.new"]);
    // Still what we wrote: the next version must see the edit as well.
    expect(entries).toContainEqual(old);
    expect(entries).toContainEqual({ kind: "file", path: "/etc/x.conf.new", sha256: sha("new") });
  });

  test("that somebody else put there is kept, too", () => {
    const { steps } = plan([SETTINGS], { "/etc/x.conf": file("theirs") });
    expect(brief(steps)).toEqual(["keep /etc/x.conf", "create /etc/x.conf.new"]);
  });

  test("that is a link to elsewhere (a masked unit, configuration management) is kept", () => {
    const { steps } = plan([SETTINGS], { "/etc/x.conf": { kind: "link", target: "/dev/null" } });
    expect(brief(steps)).toEqual(["keep /etc/x.conf", "create /etc/x.conf.new"]);
  });

  test("that is the configuration stays as it is, even if it was never edited", () => {
    const old: Entry = { kind: "file", path: "/etc/x.conf", sha256: sha("old") };
    const { steps } = plan([{ ...SETTINGS, role: "configuration" }], { "/etc/x.conf": file("old") }, [old]);
    expect(brief(steps)).toEqual(["keep /etc/x.conf", "create /etc/x.conf.new"]);
  });

  test("that is nobody's to edit is replaced", () => {
    const { steps } = plan([{ ...SETTINGS, role: "vendor" }], { "/etc/x.conf": file("mine") });
    expect(brief(steps)).toEqual(["change /etc/x.conf"]);
  });

  test("beside an edited one goes when the edit has been undone", () => {
    const entries: Entry[] = [
      { kind: "file", path: "/etc/x.conf", sha256: sha("old") },
      { kind: "file", path: "/etc/x.conf.new", sha256: sha("new") },
    ];
    const { steps } = plan([SETTINGS], { "/etc/x.conf": file("new"), "/etc/x.conf.new": file("new") }, entries);
    expect(brief(steps)).toEqual(["remove /etc/x.conf.new", "keep /etc/x.conf"]);
  });
});

describe("the program", () => {
  const program: Item = {
    kind: "program",
    path: "/etc/p",
    source: "/s",
    sha256: sha("v2"),
    mode: 0o755,
    owner: "root:root",
  };

  test("is replaced by another version, whoever put it there", () => {
    expect(brief(plan([program], { "/etc/p": file("v1", { mode: 0o755 }) }).steps)).toEqual(["change /etc/p"]);
  });

  test("is kept when it is the same", () => {
    expect(brief(plan([program], { "/etc/p": file("v2", { mode: 0o755 }) }).steps)).toEqual(["keep /etc/p"]);
  });
});

describe("a link", () => {
  const ours: Entry = { kind: "link", path: "/etc/l", target: "x.conf" };

  test("that the administrator has taken away does not come back", () => {
    const { steps, entries } = plan([LINK], {}, [ours]);
    expect(brief(steps)).toEqual(["keep /etc/l"]);
    expect(entries).toEqual([ours]);
  });

  test("is made the first time, and put right when it points elsewhere", () => {
    expect(brief(plan([LINK], {}).steps)).toEqual(["create /etc/l"]);
    expect(brief(plan([LINK], { "/etc/l": { kind: "link", target: "y" } }).steps)).toEqual(["change /etc/l"]);
    expect(brief(plan([LINK], { "/etc/l": { kind: "link", target: "x.conf" } }).steps)).toEqual(["keep /etc/l"]);
  });
});

describe("what is no longer needed", () => {
  const entries: Entry[] = [
    { kind: "directory", path: "/etc/rc.d" },
    { kind: "file", path: "/etc/rc.d/script", sha256: sha("script") },
    { kind: "link", path: "/etc/rc.d/S86x", target: "script" },
  ];
  const there: Record<string, Existing> = {
    "/etc/rc.d": directory,
    "/etc/rc.d/script": file("script"),
    "/etc/rc.d/S86x": { kind: "link", target: "script" },
  };

  test("goes before anything new comes: never two ways to start one service", () => {
    const { steps } = plan([SETTINGS], there, entries);
    expect(brief(steps)).toEqual(["remove /etc/rc.d/script", "remove /etc/rc.d/S86x", "create /etc/x.conf"]);
  });

  test("stays when it was edited", () => {
    const { steps } = plan([SETTINGS], { ...there, "/etc/rc.d/script": file("mine") }, entries);
    expect(brief(steps)).not.toContain("remove /etc/rc.d/script");
  });
});

describe("the account", () => {
  const account: Item = { kind: "account", name: "svc", home: "/h", shell: "/s" };
  const files = { "/etc/passwd": file(""), "/etc/group": file("") };
  const withAccount = (uid: number | null, gid: number | null, entries: readonly Entry[] | null = null) =>
    planInstall([account], {
      existing: new Map(Object.entries({ "/etc": directory, ...files })),
      manifest: entries === null ? null : { version: "0", entries },
      account: { uid, gid },
    });

  test("that is there already is not ours to remove", () => {
    expect(withAccount(900, 901)).toMatchObject({ steps: [{ verdict: "keep" }], entries: [] });
  });

  test("of which only the group is there gets a user, and only that is ours", () => {
    const { steps, entries } = withAccount(null, 901);
    expect(steps).toMatchObject([{ verdict: "create", user: true, group: false }]);
    expect(entries).toEqual([{ kind: "account", name: "svc", user: true, group: false, created: [] }]);
  });

  test("that we made remains ours", () => {
    const old: Entry = { kind: "account", name: "svc", user: true, group: true, created: [] };
    expect(withAccount(900, 901, [old]).entries).toEqual([old]);
  });
});

test("a plan looks at every path it decides on, and at every directory on the way", () => {
  expect(ancestors("/a/b/c")).toEqual(["/a", "/a/b"]);
  const old: Entry = { kind: "file", path: "/old", sha256: "" };
  const paths = pathsOf([SETTINGS, LINK], { version: "0", entries: [old] });
  for (const path of ["/etc", "/etc/x.conf", "/etc/x.conf.new", "/etc/l", "/old", "/etc/passwd"])
    expect(paths).toContain(path);
});
