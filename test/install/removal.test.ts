import { describe, expect, test } from "bun:test";
import type { Existing } from "../../src/install/facts.ts";
import type { Entry } from "../../src/install/manifest.ts";
import { planRemoval, type RemovalStep } from "../../src/install/removal.ts";

const as = (sha256: string, uid = 0, gid = 0): Existing => ({ kind: "file", sha256, mode: 0o644, uid, gid });
const directory = (uid = 0): Existing => ({ kind: "directory", mode: 0o755, uid, gid: uid });
const ACCOUNT: Entry = { kind: "account", name: "svc", user: true, group: true, created: [] };
const CONFIG: Entry = { kind: "file", path: "/etc/haproxy-lite/haproxy-lite.toml", sha256: "ours" };
const ENTRIES: Entry[] = [
  ACCOUNT,
  { kind: "directory", path: "/etc/haproxy-lite" },
  { kind: "directory", path: "/var/log/haproxy-lite" },
  { kind: "directory", path: "/var/lib/haproxy-lite" },
  CONFIG,
  { kind: "directory", path: "/usr/local/share/man" },
  { kind: "file", path: "/usr/local/share/man/page", sha256: "ours" },
];

interface Changes {
  existing?: Record<string, Existing>;
  children?: Record<string, string[]>;
  purge?: boolean;
  root?: string;
  entries?: Entry[];
}

function plan({
  existing = {},
  children = {},
  purge = false,
  root = "/tree",
  entries = ENTRIES,
}: Changes = {}): string[] {
  const state = {
    existing: new Map(
      Object.entries({
        "/etc/haproxy-lite": directory(),
        "/var/log/haproxy-lite": directory(900),
        "/var/lib/haproxy-lite": directory(),
        "/etc/haproxy-lite/haproxy-lite.toml": as("ours", 0, 900),
        "/usr/local/share/man": directory(),
        "/usr/local/share/man/page": as("ours"),
        ...existing,
      }),
    ),
    children: new Map(
      Object.entries({
        "/etc/haproxy-lite": ["haproxy-lite.toml"],
        "/var/log/haproxy-lite": [],
        "/var/lib/haproxy-lite": ["manifest.json"],
        "/usr/local/share/man": ["page"],
        ...children,
      }),
    ),
    account: { uid: 900, gid: 900 },
    root,
  };
  return planRemoval({ version: "1", entries }, state, purge).map(brief);
}

function brief(step: RemovalStep): string {
  if (step.verdict === "run") return step.argv.join(" ");
  return `${step.verdict} ${step.entry.kind === "account" ? "account" : step.entry.path}`;
}

describe("what was installed", () => {
  test("goes newest first, the account when nothing belongs to it any more, directories of the system last", () => {
    expect(plan()).toEqual([
      "remove /usr/local/share/man/page",
      "remove /etc/haproxy-lite/haproxy-lite.toml",
      "remove /var/log/haproxy-lite",
      "remove /etc/haproxy-lite",
      "remove /var/lib/haproxy-lite",
      "remove account",
      "remove /usr/local/share/man",
    ]);
  });

  test("and is gone already is no problem", () => {
    expect(plan({ existing: { "/usr/local/share/man/page": { kind: "absent" } } })).not.toContain(
      "remove /usr/local/share/man/page",
    );
  });
});

describe("an edited file", () => {
  const edited = { [CONFIG.kind === "file" ? CONFIG.path : ""]: as("mine", 0, 900) };

  test("is kept, with its directory, the account that it belongs to, and the manifest that knows of it", () => {
    const steps = plan({ existing: edited });
    for (const kept of ["/etc/haproxy-lite/haproxy-lite.toml", "/etc/haproxy-lite", "/var/lib/haproxy-lite", "account"])
      expect(steps).toContain(`keep ${kept}`);
    expect(steps).toContain("remove /usr/local/share/man/page");
  });

  test("goes with --purge", () => {
    expect(plan({ existing: edited, purge: true }).filter((step) => step.startsWith("keep"))).toEqual([]);
  });
});

describe("a directory that holds what we did not write", () => {
  const logs = { "/var/log/haproxy-lite": ["haproxy-lite.log"] };

  test("is kept, and the account of the logs in it", () => {
    const steps = plan({ children: logs });
    expect(steps).toContain("keep /var/log/haproxy-lite");
    expect(steps).toContain("keep account");
  });

  test("goes with --purge if it is ours alone", () => {
    expect(plan({ children: logs, purge: true })).toContain("remove /var/log/haproxy-lite");
  });

  test("stays even with --purge if it is the system's", () => {
    const man = { "/usr/local/share/man": ["page", "somebody.8"] };
    expect(plan({ children: man, purge: true })).toContain("keep /usr/local/share/man");
  });
});

describe("on the host itself", () => {
  test("the service is stopped first, and systemd told last", () => {
    const path = "/etc/systemd/system/haproxy-lite.service";
    const steps = plan({
      root: "/",
      entries: [...ENTRIES, { kind: "file", path, sha256: "ours" }],
      existing: { [path]: as("ours") },
    });
    expect(steps.at(0)).toBe("systemctl stop haproxy-lite.service");
    expect(steps.at(-1)).toBe("systemctl daemon-reload");
  });

  test("an init script stops its own service", () => {
    const path = "/etc/rc.d/init.d/haproxy-lite";
    const entries: Entry[] = [...ENTRIES, { kind: "file", path, sha256: "ours" }];
    expect(plan({ root: "/", entries, existing: { [path]: as("ours") } })[0]).toBe(`${path} stop`);
  });

  test("what was opened in the firewall is closed", () => {
    const entries: Entry[] = [...ENTRIES, { kind: "firewall", undo: [["iptables", "-D", "INPUT"]] }];
    expect(plan({ entries })).toContain("iptables -D INPUT");
  });
});

test("an account that was there before stays", () => {
  const [, ...rest] = ENTRIES;
  expect(plan({ entries: [{ ...ACCOUNT, user: false, group: false } as Entry, ...rest] })).not.toContain(
    "remove account",
  );
});
