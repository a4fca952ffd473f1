import { describe, expect, test } from "bun:test";
import type { AdminLevel } from "../../../src/admin/command.ts";
import { adminCommands } from "../../../src/admin/commands/all.ts";
import { answer } from "../../../src/admin/protocol.ts";
import { AdminSession } from "../../../src/admin/session.ts";
import { Level } from "../../../src/core/syslogCodes.ts";
import { Journal } from "../../../src/stats/journal.ts";
import { listenWith, processWith, serverWith } from "../../stats/tableCases.ts";
import { instanceWith, vrrpWith, WALL_MS } from "../../stats/vrrpCases.ts";

const journal = new Journal();
for (const name of ["s1", "s2", "s3"]) {
  const subject = { kind: "server", listen: "web", server: name } as const;
  const draft = { wallMs: WALL_MS, level: Level.alert, subject, change: "down", cause: null, because: [] };
  journal.add({ ...draft, text: `Server web/${name} is DOWN` });
}
const ordered: string[] = [];

function ask(line: string, { level = "admin", vrrp = true }: { level?: AdminLevel; vrrp?: boolean } = {}) {
  const servers = [serverWith({ name: "s1" })];
  const snapshot = {
    process: processWith(),
    listens: [listenWith({ name: "web", servers })],
    vrrp: vrrp ? { ...vrrpWith(instanceWith()), ageMs: 0 } : null,
  };
  const say = async (order: string) => {
    ordered.push(order);
    return order.includes("VI_9") ? "Failed: no such router\n" : "done\n";
  };
  const commands = adminCommands({
    snapshot: () => snapshot,
    proxy: null,
    events: () => journal.events,
    check: () => null,
    wallMs: () => WALL_MS,
    orders: {
      reload: () => say("reload"),
      upgrade: () => say("upgrade"),
      vrrp: { release: (name, hold) => say(`release ${name} ${hold}`), resume: (name) => say(`resume ${name}`) },
    },
  });
  return answer(line.split(" "), commands, new AdminSession(level));
}

describe("show events", () => {
  test.each([
    ["show events", ["#1", "#2", "#3"]],
    ["show events 2", ["#2", "#3"]],
    ["show events 0", []],
    ["show events after 1", ["#2", "#3"]],
    ["show events after 3", []],
    ["show events buf0", ["#1", "#2", "#3"]],
  ])("%s", (line, ids) => {
    const lines = (ask(line, { level: "user" }) as string).split("\n").slice(0, -2);
    expect(lines.map((each) => each.split(" ")[0] as string)).toEqual(ids);
  });

  test("as JSON on one line", () => {
    expect(JSON.parse(ask("show events json") as string)).toEqual(journal.events as never);
    expect(JSON.parse(ask("show events 1 json") as string)).toHaveLength(1);
  });

  test("HAProxy's following is refused with what does the same", () => {
    expect(ask("show events buf0 -w")).toBe('Waiting is not supported: ask again with "after <id>".\n\n');
    expect(ask("show events nonsense")).toStartWith("Unknown command");
    expect(ask("show events after")).toStartWith("Unknown command");
  });
});

describe("show why", () => {
  test("explains, as text and as JSON", () => {
    expect(ask("show why web/s1", { level: "user" })).toStartWith("web/s1 is UP for ");
    expect(JSON.parse(ask("show why s1 json") as string)).toMatchObject({ name: "web/s1", healthy: true });
    expect(ask("show why VI_1")).toContain("BACKUP -> MASTER: no advert");
  });

  test("a name that is nobody's is refused, and in JSON said", () => {
    expect(ask("show why wbe")).toBe('there is no "wbe"; did you mean "web"?\n\n');
    expect(JSON.parse(ask("show why wbe json") as string)).toEqual({
      unknown: 'there is no "wbe"; did you mean "web"?',
    });
    expect(ask("show why")).toStartWith("Unknown command");
    expect(ask("show why web/s1 now")).toStartWith("Unknown command");
  });
});

describe("show vrrp", () => {
  test("readable and as JSON", () => {
    expect(ask("show vrrp", { level: "user" })).toMatch(/^VIRTUAL ROUTER .*\nVI_1 +MASTER +101 /);
    expect(JSON.parse(ask("show vrrp json") as string)).toMatchObject({
      routerId: "lb01",
      instances: [{ name: "VI_1" }],
    });
    expect(ask("show vrrp xml")).toStartWith("Unknown command");
  });

  test("without virtual routers", () => {
    expect(ask("show vrrp", { vrrp: false })).toBe("there are no virtual routers\n\n");
    expect(ask("show vrrp json", { vrrp: false })).toBe("null\n\n");
  });
});

describe("vrrp release and resume", () => {
  test.each([
    ["vrrp release VI_1", "release VI_1 false"],
    ["vrrp release all hold", "release all true"],
    ["vrrp release VI_1 --hold", "release VI_1 true"],
    ["vrrp resume", "resume all"],
    ["vrrp resume VI_1", "resume VI_1"],
  ])("%s is the order: %s", async (line, order) => {
    expect(await ask(line)).toBe("done\n\n");
    expect(ordered.pop()).toBe(order);
  });

  test("are refused as the supervisor says, without a name, and to whoever may not", async () => {
    expect(await ask("vrrp release VI_9")).toBe("Failed: no such router\n\n");
    expect(ask("vrrp release")).toStartWith("Unknown command");
    expect(ask("vrrp resume a b")).toStartWith("Unknown command");
    expect(ask("vrrp release VI_1", { level: "operator" })).toBe("Permission denied\n\n");
  });
});
