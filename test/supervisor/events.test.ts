import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { loadConfigFile } from "../../src/config/load.ts";
import { Level } from "../../src/core/syslogCodes.ts";
import { Chronicle } from "../../src/supervisor/chronicle.ts";
import { reloadEvents } from "../../src/supervisor/reloadEvents.ts";
import { planReload } from "../../src/supervisor/reloadPlan.ts";
import { VrrpEvents } from "../../src/supervisor/vrrpEvents.ts";
import type { TransitionWhy } from "../../src/vrrp/routerPorts.ts";
import { tmpDir } from "../support/tmp.ts";
import { instanceConfig } from "../vrrp/lan/config.ts";

const VI_1 = instanceConfig({ name: "VI_1" });

function to(state: "FAULT" | "BACKUP" | "MASTER", why: Partial<TransitionWhy>) {
  return { to: state, why: { kind: "faults", trackers: [], member: null, ...why } as TransitionWhy };
}

const WEB = { kind: "listen", listen: "web" };

describe("what led to a transition", () => {
  test("a tracked listen that fails: its last server's fall; and its recovery, its servers' return", () => {
    const events = new VrrpEvents();
    const [fault] = events.ofTransition(VI_1, [], to("FAULT", { trackers: ["listen web"] }));
    expect(fault).toMatchObject({ subject: WEB, withServers: true });
    expect(fault?.changes).toContain("noServer");
    const [back] = events.ofTransition(VI_1, [], to("BACKUP", { kind: "recovered" }));
    expect(back).toMatchObject({ subject: WEB, withServers: true });
    expect(back?.changes).toContain("up");
    expect(events.ofTransition(VI_1, [], to("BACKUP", { kind: "recovered" }))).toEqual([]);
  });

  test("the proxy: a crash or a hang; a script or an interface: nothing that the journal has", () => {
    const events = new VrrpEvents();
    expect(events.ofTransition(VI_1, [], to("FAULT", { trackers: ["proxy"] }))).toMatchObject([
      { subject: { kind: "process" }, changes: ["crash", "crashLoop", "hang"] },
    ]);
    expect(events.ofTransition(VI_1, [], to("FAULT", { trackers: ["script chk"] }))).toEqual([]);
  });

  test("a better MASTER counts as the end of a fall in priority, once", () => {
    const events = new VrrpEvents();
    const remark = { change: "priority", tracker: "listen web" };
    expect(events.ofRemark("VI_1", Level.warning, remark)).toMatchObject([{ subject: WEB }]);
    const outranked = to("BACKUP", { kind: "outranked" });
    expect(events.ofTransition(VI_1, [], outranked)).toMatchObject([{ changes: ["priority"] }]);
    expect(events.ofTransition(VI_1, [], outranked)).toEqual([]);
    events.ofRemark("VI_1", Level.warning, remark);
    events.ofRemark("VI_1", Level.notice, remark);
    expect(events.ofTransition(VI_1, [], outranked)).toEqual([]);
  });

  test("a sync group: the member that moved, or that is in FAULT; an operator: his order", () => {
    const events = new VrrpEvents();
    expect(events.ofTransition(VI_1, ["VI_2"], to("FAULT", {}))).toMatchObject([
      { subject: { instance: "VI_2" }, changes: ["FAULT"] },
    ]);
    expect(events.ofTransition(VI_1, [], to("BACKUP", { kind: "group", member: "VI_2" }))).toMatchObject([
      { subject: { instance: "VI_2" } },
    ]);
    expect(events.ofTransition(VI_1, [], to("BACKUP", { kind: "released" }))).toMatchObject([
      { subject: { instance: "VI_1" }, changes: ["released"] },
    ]);
    expect(events.ofTransition(VI_1, [], to("MASTER", { kind: "silence" }))).toEqual([]);
  });
});

describe("a reload", () => {
  const listen = (server: string) =>
    `[listen.web]\nbind = "127.0.0.1:8000"\n[[listen.web.server]]\nname = "${server}"\naddress = "127.0.0.1:9"\n`;

  async function plan(before: string, after: string) {
    const load = async (toml: string) => {
      const path = join(tmpDir(), "f.toml");
      await Bun.write(path, toml);
      return await loadConfigFile(path, { cpus: 1, ephemeralPorts: null });
    };
    const { config } = await load(before);
    if (config === null) throw new Error("not valid");
    return planReload(config, await load(after), "f.toml");
  }

  test("is one event with the plan for its cause, and one for each part, which it led to", async () => {
    const lines = [
      "server web/a removed: it has no connections",
      "server web/b added: …",
      "virtual IPs: none",
      "f.toml is applied",
    ];
    const told = reloadEvents("SIGHUP", await plan(listen("a"), listen("b")), { ok: true, lines });
    const chronicle = new Chronicle({ wallMs: () => 0 }, () => {});
    for (const { level, text, happening } of told) chronicle.note(level, text, happening);
    expect(chronicle.events.map(({ change, text, because }) => [change, text, because])).toEqual([
      ["reload", "SIGHUP: f.toml is applied", null],
      ["removed", "SIGHUP: server web/a removed: it has no connections", 1],
      ["added", "SIGHUP: server web/b added: …", 1],
    ]);
    expect(chronicle.events[0]?.cause).toBe(lines.slice(0, -1).join("; "));
    expect(chronicle.events[1]?.subject).toEqual({ kind: "server", listen: "web", server: "a" });
  });

  test("that is refused is one event, whatever was wrong; so is one whose file was not read", async () => {
    const refused = await plan(listen("a"), "[global]\nthreads = 0\n");
    const lines = ["f.toml:2:1: error: …", "f.toml is not valid: nothing changes"];
    expect(reloadEvents("ctl reload", refused, { ok: false, lines })).toMatchObject([
      {
        level: Level.err,
        text: "ctl reload: f.toml is not valid: nothing changes",
        happening: { change: "reloadRefused" },
      },
    ]);
    expect(reloadEvents("SIGHUP", null, { ok: false, lines: ["no"] })).toMatchObject([{ happening: { cause: null } }]);
  });
});
