import { describe, expect, test } from "bun:test";
import type { Snapshot } from "../../../src/stats/snapshot.ts";
import type { Tab } from "../../support/browser.ts";
import { startProxy } from "../../support/instance.ts";
import { freePort, freePorts } from "../../support/ports.ts";
import { until } from "../../support/until.ts";
import { browser, chromium, firstPaintMs, isShown, openPage, REFRESH_MS, rowOf, textOf, titleOf } from "./stand.ts";

/** A round trip through the listen, closed by the client. */
async function talk(port: number, text: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let heard = "";
  await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: (socket) => void socket.write(text),
      data: (socket, bytes) => {
        heard += bytes.toString();
        if (heard.length >= text.length) socket.end();
      },
      close: () => (heard === text ? resolve() : reject(new Error(`heard ${heard}`))),
      connectError: (_, failure) => reject(failure),
    },
  });
  await promise;
}

const news = (tab: Tab) => tab.evaluate<string>(`document.getElementById("news").textContent`);

describe.skipIf(chromium === null)("the status page of a running balancer", () => {
  test("shows what status --json says", async () => {
    const { tab, proxy, port, url } = await openPage();
    for (const text of ["one", "two words", "three"]) await talk(port, text);
    // The session's counters are complete once it is over for the balancer as well.
    const seen = await until("the sessions to be counted", async () => {
      const snapshot = await proxy.statusJson<Snapshot>();
      const web = snapshot.listens[0];
      return web?.sessions.total === 3 && web.sessions.current === 0 && web.bytesIn === 17 ? snapshot : null;
    });
    await tab.open(url);
    expect(await textOf(tab, "h1")).toBe("2 of 3 servers up, 1 not checked");
    expect(await textOf(tab, ".brand")).toBe(`haproxy-lite ${seen.process.node}`);
    for (const listen of seen.listens) {
      const head = await textOf(tab, `section[id="l:${listen.name}"] .lname`);
      expect(head).toStartWith(`${listen.name} ${listen.status} for `);
      expect(head).toEndWith(`${listen.binds.join(" ")} ${listen.balance}`);
      for (const server of listen.servers) {
        const row = rowOf(`${listen.name}/${server.name}`);
        expect(await textOf(tab, `${row} th`)).toBe(`${server.name} ${server.address}`);
        expect(await textOf(tab, `${row} td:nth-child(2)`)).toStartWith(`${server.status} for `);
        const { max, total, limit } = server.sessions;
        const shown = limit === null ? "0" : `0 / ${limit}`;
        expect(await textOf(tab, `${row} td:nth-child(3)`)).toBe(`${shown} max ${max}, all ${total}`);
        expect(await tab.evaluate<string>(`document.querySelector('${row} td:nth-child(5)').title`)).toBe(
          `in ${server.bytesIn}, out ${server.bytesOut} bytes`,
        );
        expect(await textOf(tab, `${row} td:nth-child(8)`)).toStartWith(server.check?.last?.status ?? "-");
      }
    }
    expect(await textOf(tab, "#process")).toContain(`pid ${proxy.pid}, proxy process ${seen.process.pid}`);
    expect(tab.complaints).toEqual([]);
  });

  test("tells without JavaScript, by itself, that a server has gone down", async () => {
    const { tab, servers } = await openPage("", { javascript: false });
    expect(await textOf(tab, `${rowOf("web/web_2")} .st b`)).toBe("UP");
    expect(await isShown(tab, "#live")).toBeFalse();
    await servers[1]?.stop();
    await until("the page to say DOWN", async () =>
      (await textOf(tab, `${rowOf("web/web_2")} .st b`)).startsWith("DOWN"),
    );
    expect(await textOf(tab, "h1")).toBe("1 server down in 1 of 2 listens");
    expect(await textOf(tab, "#problems li")).toMatch(
      /^web\/web_2 DOWN for \d+s, since \d\d:\d\d:\d\d L4CON Connection refused$/,
    );
  });

  test("shows a server going down within two refreshes, without a reload, and says so to who cannot see it", async () => {
    const { tab, servers, proxy } = await openPage();
    await tab.evaluate(`window.sameDocument = true`);
    await servers[1]?.stop();
    await proxy.process.waitFor("web/web_2 is DOWN");
    const downMs = performance.now();
    await until("the page to say DOWN", async () => (await textOf(tab, `${rowOf("web/web_2")} .st b`)) === "DOWN");
    expect(performance.now() - downMs).toBeLessThan(2 * REFRESH_MS);
    expect(await tab.evaluate<boolean>("window.sameDocument === true")).toBeTrue();
    expect(await news(tab)).toBe("web/web_2 is DOWN, L4CON Connection refused. 1 server down in 1 of 2 listens");
    expect(await tab.evaluate<string>("document.title")).toStartWith("1 server down in 1 of 2 listens · ");
    await servers[1]?.restart();
    await until("the page to say UP again", async () => (await textOf(tab, `${rowOf("web/web_2")} .st b`)) === "UP");
    expect(await news(tab)).toBe("web/web_2 is UP. 2 of 3 servers up, 1 not checked");
    expect(tab.complaints).toEqual([]);
  });

  test("keeps focus, selection, an open and a closed fold, choices and the place while it updates", async () => {
    const { tab, servers } = await openPage("admin = true", { height: 500 });
    await tab.evaluate(`(() => {
      document.querySelector('section[id="l:mail"] details').open = false;
      document.querySelector('section[id="l:web"] .kill').open = true;
      document.querySelector('tr[id="s:web/web_1"] input').click();
      document.querySelector('tr[id="s:web/web_2"] input').focus();
      getSelection().selectAllChildren(document.querySelector("#process h2"));
      scrollTo(0, 333);
    })()`);
    await servers[1]?.stop();
    await until("an update", async () => (await textOf(tab, `${rowOf("web/web_2")} .st b`)) === "DOWN");
    // What came above has moved the rest down; the browser keeps what is looked at where it is.
    const kept = `({
      mail: document.querySelector('section[id="l:mail"] details').open,
      kill: document.querySelector('section[id="l:web"] .kill').open,
      chosen: [...document.querySelectorAll("input:checked")].map(({ value }) => value),
      focus: document.activeElement.value,
      selection: String(getSelection()),
      scrolled: scrollY > 0,
    })`;
    expect(await tab.evaluate<object>(kept)).toEqual({
      mail: false,
      kill: true,
      chosen: ["web_1"],
      focus: "web_2",
      selection: "Process",
      scrolled: true,
    });
  });

  test("says since when it is stale when nobody answers any more, and recovers", async () => {
    const { tab, proxy, toml } = await openPage();
    await proxy.stop();
    await until("the page to notice", async () =>
      /^stale since .*: it does not answer$/.test(await textOf(tab, "#fresh")),
    );
    expect(await news(tab)).toBe("stale: the balancer could not be asked, it does not answer");
    expect(await textOf(tab, `${rowOf("web/web_1")} .st b`)).toBe("UP");
    await startProxy(toml);
    await until("the page to be fresh again", async () => (await textOf(tab, "#fresh")).startsWith("as of "));
    expect(await tab.evaluate<boolean>(`document.body.classList.contains("stale")`)).toBeFalse();
  });

  test("stands still while it is paused", async () => {
    const { tab, servers, url, started } = await openPage();
    await tab.click("#pause");
    expect(await textOf(tab, "#pause")).toBe("Resume");
    const other = await started.tab();
    await other.open(url);
    const state = (page: Tab) => textOf(page, `${rowOf("web/web_2")} .st b`);
    await servers[1]?.stop();
    await until("another page to say DOWN", async () => (await state(other)) === "DOWN");
    await servers[1]?.restart();
    await until("another page to say UP again", async () => (await state(other)) === "UP");
    await servers[1]?.stop();
    await until("another page to say DOWN again", async () => (await state(other)) === "DOWN");
    expect(await state(tab)).toBe("UP");
    await tab.click("#pause");
    await until("the page to go on", async () => (await state(tab)) === "DOWN");
  });

  test("draws sessions and throughput as they come", async () => {
    const { tab, port } = await openPage();
    const held = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
    held.write("x".repeat(4000));
    const label = () => titleOf(tab, `section[id="l:web"] figure:nth-of-type(1) title`);
    await until("a session in the drawing", async () => /now 1, least \d, most 1$/.test(await label()));
    await until("throughput in the drawing", async () =>
      /out in the last .*most [1-9]/.test(await titleOf(tab, `section[id="l:web"] figure:nth-of-type(2) title`)),
    );
    held.end();
  });

  test("is on the screen within 300 ms", async () => {
    const { tab, url } = await openPage();
    expect(await firstPaintMs(tab, url)).toBeLessThan(300);
  });

  test("is on the screen within 300 ms with 50 listens of 40 servers", async () => {
    const statsPort = freePort();
    const listens = freePorts(50).map((port, listen) => {
      const servers = Array.from(
        { length: 40 },
        (_, server) => `{ name = "s${server}", address = "127.0.0.1:9", check = false }`,
      );
      return `[listen.l${listen}]\nbind = "127.0.0.1:${port}"\nserver = [${servers.join(", ")}]`;
    });
    const timeouts = `[defaults.timeout]\nconnect = "1s"\nclient = "1s"\nserver = "1s"`;
    await startProxy(`${timeouts}\n${listens.join("\n")}\n[stats]\nbind = "127.0.0.1:${statsPort}"`);
    const tab = await (await browser()).tab();
    expect(await firstPaintMs(tab, `http://127.0.0.1:${statsPort}/haproxy.stats`)).toBeLessThan(300);
    expect(await textOf(tab, "h1")).toBe("2000 servers, 2000 not checked");
    expect(await tab.evaluate<number>(`document.querySelectorAll("tbody tr").length`)).toBe(2000);
  });
});
