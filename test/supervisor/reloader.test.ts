import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type LoadedFile, loadConfigFile } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import { UserError } from "../../src/core/errors.ts";
import { Level } from "../../src/core/syslogCodes.ts";
import type { ReloadResult } from "../../src/proxy/protocol.ts";
import { BoundListeners } from "../../src/supervisor/listeners.ts";
import { Reloader, type ReloadWorld } from "../../src/supervisor/reloader.ts";
import { atEnd } from "../support/cleanup.ts";
import { client } from "../support/client.ts";
import { freePort } from "../support/ports.ts";
import { tmpDir } from "../support/tmp.ts";
import { until } from "../support/until.ts";

const VRRP =
  '[vrrp.instance.VI_1]\ninterface = "eth0"\nvirtual_router_id = 51\nvirtual_ipaddress = ["192.0.2.100/24"]\n';
/** What a file without a warning has before its listens. */
const HEAD = '[[log]]\naddress = "stdout"\n[defaults.timeout]\nconnect = "1s"\nclient = "1s"\nserver = "1s"\n';
const APPLIED: ReloadResult = { error: null, overruled: [], leaving: [] };
const UNCHANGED = "cannot be applied: nothing has changed, the running configuration stays";

function listen(name: string, port: number, more = ""): string {
  return `[listen.${name}]\nbind = "127.0.0.1:${port}"\ncheck = false\n${more}\n[[listen.${name}.server]]\nname = "s1"\naddress = "127.0.0.1:9"\n`;
}

/** A supervisor's world with real sockets and a real file; `steps` are those that it was asked for, in order. */
class World {
  readonly path = join(tmpDir(), "f.toml");
  readonly steps: string[] = [];
  readonly phases: string[] = [];
  readonly ends: string[] = [];
  readonly told: { level: Level; text: string }[] = [];
  /** What the proxy process makes of a configuration, and the supervisor of virtual IPs. */
  result: () => ReloadResult | Promise<ReloadResult> = () => APPLIED;
  makesVirtualIps: () => string = () => "made";
  loadFails = false;
  fits = true;
  stops = false;
  isProxyRunning = true;
  readonly reloader: Reloader;

  private constructor(
    private config: Config,
    readonly listeners: BoundListeners,
  ) {
    atEnd(() => listeners.close());
    this.reloader = new Reloader(this.world());
  }

  static async running(toml: string): Promise<World> {
    const path = join(tmpDir(), "first.toml");
    await Bun.write(path, HEAD + toml);
    const { config } = await read(path);
    if (config === null) throw new Error(`not valid:\n${toml}`);
    return new World(config, BoundListeners.bind(config, join(tmpDir(), "admin.sock")));
  }

  /** Reloads with another file. */
  async reload(toml: string): Promise<Awaited<ReturnType<Reloader["reload"]>>> {
    await Bun.write(this.path, HEAD + toml);
    return await this.reloader.reload("SIGHUP");
  }

  /** Names of the listens that run, and of those whose sockets are kept. */
  get names(): { running: string[]; bound: string[] } {
    return { running: this.config.listens.map(({ name }) => name), bound: this.listeners.listens.map((l) => l.listen) };
  }

  private world(): ReloadWorld {
    return {
      path: this.path,
      load: async () => {
        this.steps.push("load");
        if (this.loadFails) throw new Error("too many open files");
        return await read(this.path);
      },
      done: (by, plan, { ok }) => this.ends.push(`${by}: ${plan?.kind ?? "unread"} ${ok}`),
      running: () => this.config,
      listeners: () => (this.stops ? null : this.listeners),
      limits: () => {
        this.steps.push("limits");
        if (!this.fits) throw new UserError("not even one connection fits the limit of open files", 1);
        return { maxconn: 100, files: 300 };
      },
      apply: async () => {
        this.steps.push("apply");
        return await this.result();
      },
      isProxyRunning: () => this.isProxyRunning,
      virtualIps: (vrrp) => {
        this.steps.push(vrrp === null ? "virtual IPs off" : "virtual IPs on");
        return this.makesVirtualIps();
      },
      adopt: (config) => {
        this.steps.push("adopt");
        this.config = config;
      },
      settled: async () => {
        this.steps.push("settled");
      },
      tell: (level, text) => this.told.push({ level, text }),
      began: () => this.phases.push("began"),
      ended: () => this.phases.push("ended"),
    };
  }
}

async function read(path: string): Promise<LoadedFile> {
  return await loadConfigFile(path, { cpus: 2, ephemeralPorts: null });
}

/** "connected", or why not: with sockets bound the kernel takes a client, whoever serves it. */
async function knock(port: number): Promise<string> {
  const { connected } = client(port);
  return await connected.then(
    () => "connected",
    (error: Error) => error.message,
  );
}

describe("a reload that succeeds", () => {
  test("binds, tells the proxy process, and only then lets go of what ran", async () => {
    const [web, other] = [freePort(), freePort()];
    const world = await World.running(listen("web", web));
    const { ok, lines } = await world.reload(listen("other", other));
    expect({ ok, last: lines.at(-1) }).toEqual({ ok: true, last: `${world.path} is applied, without a restart` });
    expect(world.steps).toEqual(["load", "settled", "limits", "apply", "adopt"]);
    expect(world.names).toEqual({ running: ["other"], bound: ["other"] });
    expect(await knock(other)).toBe("connected");
    // The proxy process has yet to say that it has done with it.
    expect(world.listeners.isClosing).toBe(true);
    world.listeners.closeLeft();
    expect(await knock(web)).toBe("ECONNREFUSED");
    expect(world.told.every(({ level, text }) => level === Level.notice && text.startsWith("SIGHUP: "))).toBe(true);
  });

  test("without a proxy process closes what is left over itself", async () => {
    const world = await World.running(listen("web", freePort()));
    world.isProxyRunning = false;
    await world.reload(listen("other", freePort()));
    expect(world.listeners.isClosing).toBe(false);
  });

  test("makes virtual IPs that are new before the rest, and changes those that run after it", async () => {
    const toml = listen("web", freePort());
    const world = await World.running(toml);
    await world.reload(`${toml}${VRRP}`);
    expect(world.steps.slice(2)).toEqual(["limits", "virtual IPs on", "apply", "adopt"]);
    world.steps.length = 0;
    await world.reload(`${toml}${VRRP}priority = 50\n`);
    expect(world.steps.slice(2)).toEqual(["limits", "apply", "adopt", "virtual IPs on"]);
  });
});

describe("a reload that fails leaves everything as it was", () => {
  test("when the file is not valid: nobody is asked for anything", async () => {
    const world = await World.running(listen("web", freePort()));
    const { ok, lines } = await world.reload("[listen.web]\nbind = 7\n");
    expect(ok).toBe(false);
    expect(lines.at(-1)).toBe(`${world.path} is not valid: nothing changes, the running configuration stays`);
    expect(world.steps).toEqual(["load", "settled"]);
    expect(world.told.at(-1)?.level).toBe(Level.err);
  });

  test("when it does not fit the limit of open files: nothing is bound", async () => {
    const [web, other] = [freePort(), freePort()];
    const world = await World.running(listen("web", web));
    world.fits = false;
    const { ok, lines } = await world.reload(listen("web", web) + listen("other", other));
    expect({ ok, lines }).toEqual({
      ok: false,
      lines: ["not even one connection fits the limit of open files", `${world.path} ${UNCHANGED}`],
    });
    expect(await knock(other)).toBe("ECONNREFUSED");
    expect(world.steps).not.toContain("apply");
  });

  test("when one address of two is taken: the other is given up, and the proxy process hears of nothing", async () => {
    const [web, free, taken] = [freePort(), freePort(), freePort()];
    using holder = Bun.listen({ hostname: "127.0.0.1", port: taken, socket: { data() {} } });
    const world = await World.running(listen("web", web));
    const { ok, lines } = await world.reload(listen("web", web) + listen("free", free) + listen("taken", holder.port));
    expect(ok).toBe(false);
    expect(lines[0]).toContain(`cannot bind listen taken to 127.0.0.1:${taken}`);
    expect(await knock(free)).toBe("ECONNREFUSED");
    expect(world.steps).not.toContain("apply");
    expect(world.names).toEqual({ running: ["web"], bound: ["web"] });
  });

  test.each<[string, () => ReloadResult | Promise<ReloadResult>, string]>([
    ["refuses", () => ({ ...APPLIED, error: "no more threads" }), "no more threads"],
    ["dies of", () => Promise.reject(new Error("the proxy process has ended")), "the proxy process has ended"],
  ])("when the proxy process %s it: what was bound for it is given up", async (_, result, reason) => {
    const [web, other] = [freePort(), freePort()];
    const world = await World.running(listen("web", web));
    world.result = result;
    const { ok, lines } = await world.reload(listen("other", other));
    expect({ ok, lines }).toEqual({ ok: false, lines: [reason, `${world.path} ${UNCHANGED}`] });
    expect([await knock(web), await knock(other)]).toEqual(["connected", "ECONNREFUSED"]);
    expect(world.names).toEqual({ running: ["web"], bound: ["web"] });
    expect(world.listeners.isClosing).toBe(false);
  });

  test("when virtual IPs cannot be made: the proxy process hears of nothing, and what was bound is given up", async () => {
    const [web, other] = [freePort(), freePort()];
    const world = await World.running(listen("web", web));
    world.makesVirtualIps = () => {
      throw new UserError("cannot watch the network interfaces", 1);
    };
    const { ok, lines } = await world.reload(listen("web", web) + listen("other", other) + VRRP);
    expect({ ok, why: lines.at(-2) }).toEqual({ ok: false, why: "cannot watch the network interfaces" });
    expect(world.steps.slice(2)).toEqual(["limits", "virtual IPs on"]);
    expect(await knock(other)).toBe("ECONNREFUSED");
  });

  test.each<[string, () => ReloadResult | Promise<ReloadResult>]>([
    ["refuses", () => ({ ...APPLIED, error: "no" })],
    ["dies of", () => Promise.reject(new Error("gone"))],
  ])("when the proxy process %s what comes with new virtual IPs: they are taken off again", async (_, result) => {
    const toml = listen("web", freePort());
    const world = await World.running(toml);
    world.result = result;
    expect((await world.reload(`${toml}${VRRP}`)).ok).toBe(false);
    expect(world.steps.slice(2)).toEqual(["limits", "virtual IPs on", "apply", "virtual IPs off"]);
  });

  test("and the next one, with a file that works, is applied", async () => {
    const [web, other] = [freePort(), freePort()];
    const world = await World.running(listen("web", web));
    world.result = () => ({ ...APPLIED, error: "no" });
    await world.reload(listen("other", other));
    world.result = () => APPLIED;
    expect((await world.reload(listen("other", other))).ok).toBe(true);
    expect(world.names).toEqual({ running: ["other"], bound: ["other"] });
  });
});

test("a reading that fails altogether is told, and the next reload is as any", async () => {
  const port = freePort();
  const world = await World.running(listen("web", port));
  world.loadFails = true;
  const { ok, lines } = await world.reload(listen("web", port, "retries = 1"));
  expect({ ok, lines }).toEqual({ ok: false, lines: ["too many open files: nothing changes"] });
  expect(world.told).toEqual([{ level: Level.err, text: "SIGHUP: too many open files: nothing changes" }]);
  world.loadFails = false;
  expect((await world.reload(listen("web", port, "retries = 1"))).ok).toBe(true);
  expect(world.phases).toEqual(["began", "ended", "began", "ended"]);
});

describe("orders that meet", () => {
  test("while one is carried out: all who come get one reading, begun after they came", async () => {
    const port = freePort();
    const world = await World.running(listen("web", port));
    const applying = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<ReloadResult>();
    world.result = () => {
      applying.resolve();
      return goOn.promise;
    };
    const first = world.reload(listen("web", port, "retries = 1"));
    await applying.promise;
    await Bun.write(world.path, HEAD + listen("web", port, "retries = 2"));
    const [second, third] = [world.reloader.reload("ctl reload"), world.reloader.reload("SIGHUP")];
    goOn.resolve(APPLIED);
    expect((await first).lines.join("\n")).toContain("retries 3 -> 1");
    expect((await second).lines.join("\n")).toContain("retries 1 -> 2");
    expect(await third).toBe(await second);
    expect(world.steps.filter((step) => step === "load")).toHaveLength(2);
  });

  test("behind something else that changes what runs: it waits, and says who waits", async () => {
    const port = freePort();
    const world = await World.running(listen("web", port));
    const upgrade = Promise.withResolvers<string>();
    const upgraded = world.reloader.exclusively(() => upgrade.promise);
    const reload = world.reload(listen("web", port, "retries = 1"));
    await until("the order", () => world.reloader.orderedBy !== null);
    expect({ by: world.reloader.orderedBy, steps: world.steps }).toEqual({ by: "SIGHUP", steps: [] });
    upgrade.resolve("no");
    expect(await upgraded).toBe("no");
    expect((await reload).ok).toBe(true);
    expect(world.reloader.orderedBy).toBeNull();
  });

  test("while it stops: nothing changes any more", async () => {
    const world = await World.running(listen("web", freePort()));
    world.stops = true;
    expect(await world.reload(listen("other", freePort()))).toEqual({
      ok: false,
      lines: ["nothing changes: it is stopping"],
    });
    expect(world.names.running).toEqual(["web"]);
  });
});
