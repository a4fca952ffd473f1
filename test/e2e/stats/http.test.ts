import { beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import { client } from "../../support/client.ts";
import { serve } from "../../support/echo.ts";
import { startProxy } from "../../support/instance.ts";
import { freePorts } from "../../support/ports.ts";
import { tmpDir } from "../../support/tmp.ts";
import { until } from "../../support/until.ts";
import { liveClient, toml } from "../process/stand.ts";
import { ask, basic } from "./stand.ts";

/** A proxy with one server and a page. */
async function startPage(stats: string, more: Parameters<typeof toml>[0] | object = {}) {
  const [port, page] = freePorts(2) as [number, number];
  const echo = await serve({ kind: "echo" });
  const proxy = await startProxy(
    toml({ port, servers: [echo], more: `[stats]\nbind = "127.0.0.1:${page}"\n${stats}`, ...more }),
  );
  return { proxy, port, page, echo };
}

/** One that several tests look at, and none changes. */
let shared: Awaited<ReturnType<typeof startPage>>;
beforeAll(async () => {
  shared = await startPage('refresh = "7s"');
});

describe("the page", () => {
  test("is where the ready line says, and its policy allows its own style and script and no other", async () => {
    const { proxy, page } = await startPage("");
    expect(proxy.output()).toContain(`; status page http://127.0.0.1:${page}/haproxy.stats;`);
    const { status, headers, body } = await ask(page, "/haproxy.stats");
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-cache",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
    });
    expect(headers).not.toHaveProperty("server");
    const policy = String(headers["content-security-policy"]);
    expect(policy).toStartWith("default-src 'none'; ");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain("unsafe");
    const hashOf = (text = "") => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
    const inline = [...body.matchAll(/<(style|script)[^>]*>([\s\S]*?)<\/\1>/g)];
    expect(inline.map(([, name]) => name).toSorted()).toEqual(["script", "style"]);
    for (const [, name, text] of inline) expect(policy).toContain(`${name}-src ${hashOf(text)}`);
    expect(body).not.toMatch(/ (style|on[a-z]+)="/);
  });

  test("is named by the host's own name where it listens everywhere, and by its path on a unix socket", async () => {
    const [port, page] = freePorts(2) as [number, number];
    const path = join(tmpDir(), "page.sock");
    const more = `[stats]\nbind = [":${page}", "[::1]:${page}", "unix:${path}"]\nauth = [{ user = "a", password = "b" }]`;
    const proxy = await startProxy(toml({ port, servers: [], more }));
    expect(proxy.output()).toContain(`; status page http://${hostname()}:${page}/haproxy.stats;`);
    const headers = basic("a", "b");
    for (const place of [{}, { host: "::1" }, { socketPath: path }])
      expect((await ask(page, "/haproxy.stats;csv", { ...place, headers })).status).toBe(200);
  });

  test.each(["/haproxy.stats", "/haproxy.stats;norefresh", "/", "/stats", "/haproxy?stats"])(
    "is HTML at %s",
    async (path) => {
      const { page } = shared;
      expect((await ask(page, path)).headers["content-type"]).toBe("text/html; charset=utf-8");
    },
  );

  test.each([
    "/haproxy.stats;csv",
    "/;csv",
    "/;csv;norefresh",
    "/haproxy.stats/;csv",
    "/haproxy?stats;csv",
    "/stats;csv",
  ])("is CSV at %s", async (path) => {
    const { page } = shared;
    const { headers, body } = await ask(page, path);
    expect(headers["content-type"]).toBe("text/plain; charset=utf-8");
    expect(headers.refresh).toBe(path.includes("norefresh") ? undefined : "7");
    expect(body.split("\n")[0]).toStartWith("# pxname,svname,qcur,");
    expect(body.split("\n").map((line) => line.split(",")[1])).toEqual([
      "svname",
      "FRONTEND",
      "s1",
      "BACKEND",
      undefined,
    ]);
  });

  test("is the runtime API's answers in its other forms, and less of them when asked so", async () => {
    const { page } = shared;
    const json = await ask(page, "/haproxy.stats;json");
    expect(json.headers["content-type"]).toBe("application/json");
    expect(JSON.parse(json.body)[0][0]).toMatchObject({ objType: "Frontend", value: { value: "web" } });
    expect((await ask(page, "/haproxy.stats;typed")).body).toStartWith("F.2.0.0.pxname.1:KNS:str:web\n");
    expect((await ask(page, "/haproxy.stats;csv?scope=we")).body.split("\n")).toHaveLength(5);
    expect((await ask(page, "/haproxy.stats;csv?scope=nobody")).body.split("\n")).toHaveLength(2);
  });

  test("is not at another path, which says where it is", async () => {
    const { page } = shared;
    for (const path of ["/favicon.ico", "/x?stats", "/metrics/x"]) {
      const { status, body } = await ask(page, path);
      expect(status).toBe(404);
      expect(body).toContain('<a href="/haproxy.stats">');
    }
  });

  test("is not changed by POST where nothing can be, and HEAD gives no body", async () => {
    const { page } = shared;
    expect((await ask(page, "/metrics", { method: "POST" })).status).toBe(405);
    expect((await ask(page, "/healthz", { method: "POST" })).status).toBe(405);
    for (const path of ["/haproxy.stats", "/metrics", "/;csv"]) {
      const head = await ask(page, path, { method: "HEAD" });
      expect({ status: head.status, body: head.body }).toEqual({ status: 200, body: "" });
    }
  });
});

describe("with auth", () => {
  const AUTH =
    'auth = [{ user = "admin", password = "s3cret" }, { user = "eve", password = "other" }]\nhide_version = true';

  test("everything takes a user and a password, but for a monitor's one word", async () => {
    const { page } = await startPage(AUTH);
    for (const path of ["/haproxy.stats", "/;csv", "/metrics", "/nowhere"]) {
      for (const headers of [{}, basic("admin", "wrong"), basic("eve", "s3cret"), { authorization: "Bearer s3cret" }]) {
        const { status, headers: said, body } = await ask(page, path, { headers });
        expect({ path, status }).toEqual({ path, status: 401 });
        expect(said["www-authenticate"]).toBe('Basic realm="HAProxy Statistics"');
        expect(body).not.toContain("haproxy.stats");
      }
    }
    expect((await ask(page, "/haproxy.stats", { method: "POST", body: "action=drain&b=web&s=s1" })).status).toBe(401);
    const headers = basic("eve", "other");
    for (const path of ["/haproxy.stats", "/;csv", "/metrics"])
      expect((await ask(page, path, { headers })).status).toBe(200);
    expect((await ask(page, "/nowhere", { headers })).status).toBe(404);
    expect(await ask(page, "/healthz")).toMatchObject({ status: 200, body: "ok\n" });
    expect(await ask(page, "/healthz", { headers })).toMatchObject({ status: 200, body: "ok: 1 listen served\n" });
  });

  test("and a hidden version, nobody is told which it is", async () => {
    const { page } = await startPage(AUTH);
    const headers = basic("admin", "s3cret");
    for (const path of ["/haproxy.stats", "/;csv", "/;json", "/metrics"]) {
      const { body, headers: said } = await ask(page, path, { headers });
      expect({ path, told: (body + JSON.stringify(said)).match(/0\.1\.0|2\.6\.0/g) }).toEqual({ path, told: null });
    }
  });
});

describe("/healthz", () => {
  test("is 200 while every listen has a server, 503 with the name of one that has none, and 503 while it stops", async () => {
    const { proxy, port, page, echo } = await startPage("", {
      check: 'interval = "100ms"\ntimeout = "10s"\nfall = 1\nrise = 1',
    });
    const health = async (path = "/healthz") => {
      const { status, body } = await ask(page, path);
      return `${status} ${body.trim()}`;
    };
    expect(await health()).toBe("200 ok: 1 listen served");
    expect(await health("/healthz?listen=web")).toBe("200 ok: 1 listen served");
    expect(await health("/healthz?listen=nobody")).toBe("404 There is no such listen.");
    const { headers, body } = await ask(page, "/healthz", { headers: { accept: "application/json" } });
    expect(headers["content-type"]).toBe("application/json");
    expect(JSON.parse(body)).toEqual({
      status: "ok",
      text: "ok: 1 listen served",
      process: "serving",
      listens: [{ name: "web", healthy: true, usable: 1 }],
      vrrp: {},
    });
    const held = await liveClient(port);
    await echo.stop();
    await until("the server to be down", async () => (await health()) === "503 no server for web");
    await echo.restart();
    await until("the server to be back", async () => (await health()).startsWith("200"));
    // The page goes on while connections finish.
    const draining = await liveClient(port);
    proxy.process.signal("SIGTERM");
    await until("it to stop", async () => (await health()) === "503 stopping: nobody new is accepted");
    draining.fin();
    held.fin();
    expect(await proxy.process.exited).toEqual({ code: 0, signal: null });
    expect(await ask(page, "/healthz").catch((error: Error) => error.message)).toBe("ECONNREFUSED");
  });
});

describe("whoever asks badly", () => {
  test("and holds all the places that there are costs the traffic nothing, and gives way in time", async () => {
    const { port, page } = await startPage("maxconn = 3");
    const slow = Array.from({ length: 3 }, () => client(page));
    for (const each of slow) await each.send("GET /haproxy.stats HTTP/1.1\r\nX: ");
    const waiting = ask(page, "/haproxy.stats", { timeoutMs: 20_000 });
    for (let round = 0; round < 20; round++) {
      const live = await liveClient(port);
      live.fin();
      for (const each of slow) await each.send("a").catch(() => {});
    }
    // The whole head is there within ten seconds, or the place goes to the next one.
    expect((await waiting).status).toBe(200);
    for (const each of slow) expect(each.received().toString()).toStartWith("HTTP/1.1 408 ");
  }, 30_000);
});

describe("forms", () => {
  const FORM = { "content-type": "application/x-www-form-urlencoded" };
  const tokenOf = (body: string) => /name="csrf" value="([0-9a-f]+)"/.exec(body)?.[1] ?? "";
  const post = async (
    proxy: { page: number },
    body: string,
    headers: Record<string, string> = {},
    path = "/haproxy.stats",
  ) => {
    const answer = await ask(proxy.page, path, { method: "POST", body, headers: { ...FORM, ...headers } });
    return `${answer.status} ${answer.headers.location}`;
  };

  test("without the page's token, from another site, or where nothing may be changed, are denied", async () => {
    const auth = 'auth = [{ user = "admin", password = "a" }, { user = "eve", password = "b" }]\nadmin = true';
    const proxy = await startPage(auth);
    const admin = basic("admin", "a");
    const token = tokenOf((await ask(proxy.page, "/haproxy.stats", { headers: admin })).body);
    expect(token).toHaveLength(64);
    const drain = "s=s1&b=web&action=drain";
    const denied = "303 /haproxy.stats;st=DENY";
    expect(await post(proxy, drain, admin)).toBe(denied);
    expect(await post(proxy, `${drain}&csrf=${token.replace(/./, "x")}`, admin)).toBe(denied);
    expect(await post(proxy, `${drain}&csrf=${token}`, basic("eve", "b"))).toBe(denied);
    expect(await post(proxy, `${drain}&csrf=${token}`, { ...admin, origin: "http://evil.example" })).toBe(denied);
    expect(await post(proxy, `${drain}&csrf=${token}`, { ...admin, "sec-fetch-site": "cross-site" })).toBe(denied);
    const none = await post(proxy, `b=web&action=drain&csrf=${token}`, admin, "/haproxy.stats;norefresh?scope=we");
    expect(none).toBe("303 /haproxy.stats;st=NONE;norefresh?scope=we");
    expect((await ask(proxy.page, "/haproxy.stats;st=NONE", { headers: admin })).body).toContain(
      "no server was selected",
    );
    const closed = await startPage("");
    expect((await ask(closed.page, "/haproxy.stats")).body).not.toContain("csrf");
    expect(await post(closed, drain)).toBe(denied);
  });

  test("do what the runtime API does, to each chosen server, and the log says who", async () => {
    const [port, page] = freePorts(2) as [number, number];
    const [one, two] = [await serve({ kind: "echo" }), await serve({ kind: "echo" })];
    const more = `[stats]\nbind = "127.0.0.1:${page}"\nadmin = true\nauth = [{ user = "eve", password = "b" }]`;
    const running = await startProxy(
      toml({ port, servers: [one, two], check: 'interval = "100ms"\ntimeout = "10s"', more }),
    );
    const eve = basic("eve", "b");
    const proxy = { page };
    const token = tokenOf((await ask(page, "/haproxy.stats", { headers: eve })).body);
    const act = (action: string, servers: string) =>
      post(proxy, `csrf=${token}&b=web&action=${action}${servers}`, eve).then((said) => said.replace(/.*;st=/, ""));
    const states = async () => {
      const { body } = await ask(page, "/;csv", { headers: eve });
      return body
        .split("\n")
        .slice(2, 4)
        .map((line) => line.split(",")[17]);
    };
    const bothUp = () => until("both to be up", async () => (await states()).every((state) => state === "UP"));
    await bothUp();
    await until("both to be checked", async () => (await states()).every((state) => state === "UP"));
    expect(await act("drain", "&s=s1")).toBe("DONE");
    expect(await states()).toEqual(["DRAIN", "UP"]);
    expect(await act("maint", "&s=s1&s=s2")).toBe("DONE");
    expect(await states()).toEqual(["MAINT", "MAINT"]);
    expect((await ask(page, "/healthz")).status).toBe(503);
    expect(await act("ready", "&s=s1&s=s2")).toBe("DONE");
    await bothUp();
    const live = await liveClient(port);
    expect(await act("shutdown", "&s=s1&s=s2")).toBe("DONE");
    await live.ended;
    expect(await act("dhlth", "&s=s1")).toBe("DONE");
    expect(await act("ehlth", "&s=s1")).toBe("DONE");
    expect(await act("hdown", "&s=s1")).toBe("DONE");
    expect(await act("hrunn", "&s=s1")).toBe("DONE");
    expect(await act("hnolb", "&s=s1")).toBe("DONE");
    expect(await act("drain", "&s=s1&s=nobody")).toBe("ERRP");
    expect(await act("explode", "&s=s1")).toBe("ERRP");
    expect(running.output()).toContain("status page (eve): set server web/s2 state maint");
    const { headers } = await ask(page, "/haproxy.stats;st=DONE", { headers: eve });
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
  });

  test("without auth are taken from a page that was opened by address, not by any name that points here", async () => {
    const proxy = await startPage("admin = true");
    const token = tokenOf((await ask(proxy.page, "/haproxy.stats")).body);
    const none = `b=web&action=drain&csrf=${token}`;
    expect(await post(proxy, none)).toEndWith(";st=NONE");
    expect(await post(proxy, none, { host: "evil.example" })).toEndWith(";st=DENY");
  });
});
