import { describe, expect, test } from "bun:test";
import type { Snapshot } from "../../../src/stats/snapshot.ts";
import type { Tab } from "../../support/browser.ts";
import type { Proxy as Balancer } from "../../support/instance.ts";
import { until } from "../../support/until.ts";
import { chromium, isShown, openPage, rowOf, textOf } from "./stand.ts";

const WEB = 'section[id="l:web"]';
const ADMIN = "admin = true";

/** What the balancer itself says of a server of "web". */
async function serverOf(proxy: Balancer, name: string) {
  const { listens } = await proxy.statusJson<Snapshot>();
  const server = listens[0]?.servers.find((each) => each.name === name);
  if (server === undefined) throw new Error(`there is no ${name}`);
  return server;
}

const shownState = (tab: Tab, server: string) => textOf(tab, `${rowOf(`web/${server}`)} .st b`);
const focused = (tab: Tab) =>
  tab.evaluate<string>(
    `(({ id, localName, value, textContent }) => [localName, id || value || textContent.trim()].join(" "))(document.activeElement)`,
  );

/** Presses Tab until the focus is where it is wanted. */
async function tabTo(tab: Tab, wanted: string): Promise<void> {
  const seen: string[] = [];
  for (let presses = 0; presses < 80; presses++) {
    await tab.press("Tab");
    const at = await focused(tab);
    if (at === wanted) return;
    seen.push(at);
  }
  throw new Error(`Tab never came to ${wanted}; it passed ${seen.join(", ")}`);
}

describe.skipIf(chromium === null)("the status page under somebody's hands", () => {
  test("drains a server and makes it ready again, in place", async () => {
    const { tab, proxy } = await openPage(ADMIN);
    await tab.evaluate("window.sameDocument = true");
    expect(await tab.evaluate<boolean>(`document.querySelector('${WEB} [value=drain]').disabled`)).toBeTrue();
    await tab.click(`${rowOf("web/web_1")} input`);
    await tab.click(`${WEB} [value=drain]`);
    await until("the notice", async () => (await textOf(tab, "#notice")) === "Done.");
    expect(await shownState(tab, "web_1")).toBe("DRAIN");
    expect((await serverOf(proxy, "web_1")).admin).toBe("drain");
    expect((await serverOf(proxy, "web_2")).admin).toBe("ready");
    expect(await tab.evaluate<number>(`document.querySelectorAll("input:checked").length`)).toBe(0);
    await tab.click(`${rowOf("web/web_1")} input`);
    await tab.click(`${WEB} [value=ready]`);
    await until("the server to be up", async () => (await shownState(tab, "web_1")) === "UP");
    expect((await serverOf(proxy, "web_1")).admin).toBe("ready");
    expect(await tab.evaluate<boolean>("window.sameDocument === true")).toBeTrue();
    expect(tab.complaints).toEqual([]);
  });

  test("puts servers in maintenance without JavaScript, and tells once what came of it", async () => {
    const { tab, proxy, url } = await openPage(ADMIN, { javascript: false });
    await tab.click(`${rowOf("web/web_1")} input`);
    await tab.click(`${rowOf("web/web_2")} input`);
    await tab.click(`${WEB} [value=maint]`);
    await until("the notice", async () => (await textOf(tab, "#notice")) === "Done.");
    expect([await shownState(tab, "web_1"), await shownState(tab, "web_2")]).toEqual(["MAINT", "MAINT"]);
    expect((await serverOf(proxy, "web_2")).admin).toBe("maint");
    expect(await textOf(tab, "h1")).toBe("nobody serves web");
    await until("the refresh", () => tab.evaluate<boolean>(`location.href === ${JSON.stringify(url)}`));
    await until("the page without the notice", async () => (await textOf(tab, "#notice")) === "");
  });

  test("ends sessions only after a second click", async () => {
    const { tab, proxy, port } = await openPage(ADMIN);
    let closed = false;
    const client = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data() {},
        close() {
          closed = true;
        },
      },
    });
    client.write("hello");
    const name = await until("the session", async () => {
      const { listens } = await proxy.statusJson<Snapshot>();
      return listens[0]?.servers.find(({ sessions }) => sessions.current === 1)?.name;
    });
    await tab.click(`${rowOf(`web/${name}`)} input`);
    expect(await isShown(tab, `${WEB} [value=shutdown]`)).toBeFalse();
    await tab.click(`${WEB} .kill summary`);
    await tab.click(`${WEB} [value=shutdown]`);
    await until("the session to end", () => closed);
    await until("the notice", async () => (await textOf(tab, "#notice")) === "Done.");
    expect(await isShown(tab, `${WEB} [value=shutdown]`)).toBeFalse();
  });

  test.each([true, false])("does nothing when Enter is pressed in a box (JavaScript: %p)", async (javascript) => {
    const { tab, proxy, url } = await openPage(ADMIN, { javascript });
    await tab.evaluate(`(() => {
      const ask = fetch;
      window.asked = [];
      window.fetch = (address, request) => (asked.push(request.method ?? "GET"), ask(address, request));
    })()`);
    await tab.click(`${rowOf("web/web_1")} input`);
    await tab.press("Enter");
    // A submitted form is answered before the page refreshes itself.
    const asked = await until("the next refresh", () =>
      tab.evaluate<string>(`window.asked === undefined ? location.href : String(asked)`),
    );
    expect(asked).toBe(javascript ? "GET" : url);
    expect((await serverOf(proxy, "web_1")).admin).toBe("ready");
  });

  test("shows no box and no button where nothing may be changed", async () => {
    const { tab } = await openPage();
    expect(await tab.evaluate<number>(`document.querySelectorAll("form, input[type=checkbox]").length`)).toBe(0);
  });

  test("can be worked with the keyboard alone", async () => {
    const { tab, proxy } = await openPage(ADMIN);
    await tab.press("Tab");
    expect(await focused(tab)).toBe("a Skip to the listens");
    expect(await isShown(tab, ".skip")).toBeTrue();
    expect(
      await tab.evaluate<number>(`document.querySelector(".skip").getBoundingClientRect().top`),
    ).toBeGreaterThanOrEqual(0);
    await tab.press("Enter");
    expect(await focused(tab)).toBe("section listens");
    await tabTo(tab, "input web_1");
    // Every stop on the way has to be seen.
    const outline = await tab.evaluate<string>("getComputedStyle(document.activeElement).outlineStyle");
    expect(outline).toBe("solid");
    await tab.press(" ");
    await tabTo(tab, "button maint");
    await tab.press("Enter");
    await until("the server to be in maintenance", async () => (await shownState(tab, "web_1")) === "MAINT");
    expect((await serverOf(proxy, "web_1")).admin).toBe("maint");
  });

  test("filters by name and state, and keeps to it while it updates", async () => {
    const { tab, servers } = await openPage();
    const shown = () =>
      tab.evaluate<string[]>(
        `[...document.querySelectorAll("tbody tr")].filter((row) => row.checkVisibility()).map(({ id }) => id)`,
      );
    await tab.evaluate(`document.getElementById("filter").focus()`);
    await tab.type("web_2");
    expect(await shown()).toEqual(["s:web/web_2"]);
    expect(await textOf(tab, "#matches")).toBe("1 of 3 servers");
    expect(await isShown(tab, 'section[id="l:mail"]')).toBeFalse();
    await tab.evaluate(`document.getElementById("filter").select()`);
    await tab.type("down");
    expect(await shown()).toEqual([]);
    await servers[1]?.stop();
    await until("the server that went down to be shown", async () => (await shown()).join() === "s:web/web_2");
    expect(await focused(tab)).toStartWith("input filter");
    await tab.evaluate(`document.getElementById("filter").select()`);
    await tab.press("Backspace");
    await tab.evaluate(`document.execCommand("delete")`);
    expect(await shown()).toEqual(["s:web/web_1", "s:web/web_2", "s:mail/mx"]);
  });

  test("sorts by a column, both ways, and keeps the order while it updates", async () => {
    const { tab, servers } = await openPage();
    const order = () =>
      tab.evaluate<string[]>(`[...document.querySelectorAll('${WEB} tbody tr')].map(({ id }) => id.slice(6))`);
    const head = (column: number) => `${WEB} th:nth-child(${column}) button`;
    await tab.click(head(1));
    expect(await order()).toEqual(["web_1", "web_2"]);
    await tab.click(head(1));
    expect(await order()).toEqual(["web_2", "web_1"]);
    const sorted = `document.querySelector('${WEB} th').getAttribute("aria-sort")`;
    expect(await tab.evaluate<string>(sorted)).toBe("descending");
    await tab.click(head(2));
    await servers[1]?.stop();
    await until("the server to be down", async () => (await shownState(tab, "web_2")) === "DOWN");
    // What is worst comes first.
    expect(await order()).toEqual(["web_2", "web_1"]);
    expect(await focused(tab)).toBe("button State");
    expect(await tab.evaluate<string | null>(sorted)).toBeNull();
    await tab.click(head(2));
    expect(await order()).toEqual(["web_1", "web_2"]);
  });

  test("leads from what is wrong to its row or listen, also into a fold", async () => {
    const { tab, servers } = await openPage("", { height: 400 });
    const fold = `document.querySelector('${WEB} details').open`;
    await tab.evaluate(`${fold} = false`);
    await servers[1]?.stop();
    await until("the problem", async () => (await textOf(tab, "#problems a")) === "web/web_2");
    await tab.click("#problems a");
    await until("the row to be seen", () =>
      tab.evaluate<boolean>(
        `(({ top, bottom, height }) => height > 0 && top >= 0 && bottom <= innerHeight)(document.querySelector('${rowOf("web/web_2")}').getBoundingClientRect())`,
      ),
    );
    await tab.evaluate(`${fold} = false`);
    await servers[0]?.stop();
    await until("the worse problem", async () => (await textOf(tab, "#problems a")) === "web");
    await tab.click("#problems a");
    await until("the listen to be unfolded", () => tab.evaluate<boolean>(fold));
  });
});
