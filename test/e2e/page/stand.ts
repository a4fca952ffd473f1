import { type Browser, startBrowser, type Tab, type View } from "../../support/browser.ts";
import { serve, type TestServer } from "../../support/echo.ts";
import { type Proxy as Balancer, startProxy } from "../../support/instance.ts";
import { freePort } from "../../support/ports.ts";
import { tool } from "../../support/tools.ts";

/** Debian's Chromium; null, and recorded, where there is none. */
export const chromium = tool("chromium");

/** A browser of its own for the running test, or for the file. */
export function browser(): Promise<Browser> {
  if (chromium === null) throw new Error("no chromium on this machine");
  return startBrowser(chromium);
}

/** A running balancer with a status page, and the servers behind it. */
export interface PageStand {
  readonly proxy: Balancer;
  /** Of the listen "web": "web_1", "web_2", …; they echo. */
  readonly servers: readonly TestServer[];
  readonly port: number;
  /** Of the page. */
  readonly url: string;
  /** The file it runs on. */
  readonly toml: string;
}

/** How often a page refreshes itself in these tests. */
export const REFRESH_MS = 1000;

/** Starts a balancer with two listens, "web" with two echo servers and "mail" with one that is not checked. */
export async function pageStand(stats = ""): Promise<PageStand> {
  const [port, mailPort, statsPort] = [freePort(), freePort(), freePort()];
  const servers = [await serve({ kind: "echo" }), await serve({ kind: "echo" })];
  const toml = `
[global]
hard_stop_after = "1s"
[[log]]
address = "stdout"
level = "notice"
[defaults.timeout]
connect = "1s"
client = "10s"
server = "10s"
[listen.web]
bind = "127.0.0.1:${port}"
maxconn = 50
[listen.web.check]
interval = "100ms"
timeout = "1s"
rise = 1
fall = 1
${servers.map(({ address }, index) => `[[listen.web.server]]\nname = "web_${index + 1}"\naddress = "${address}"\nmaxconn = 20`).join("\n")}
[listen.mail]
bind = "127.0.0.1:${mailPort}"
balance = "leastconn"
[[listen.mail.server]]
name = "mx"
address = "${servers[0]?.address}"
[stats]
bind = "127.0.0.1:${statsPort}"
refresh = "${REFRESH_MS / 1000}s"
${stats}
`;
  const proxy = await startProxy(toml);
  return { proxy, servers, port, url: `http://127.0.0.1:${statsPort}/haproxy.stats`, toml };
}

/** PerformancePaintTiming: from the start of the navigation to the first content on the screen, in ms. */
const FIRST_PAINT = `new Promise((resolve) => {
  const find = (entries) => entries.filter(({ name }) => name === "first-contentful-paint").forEach(({ startTime }) => resolve(startTime));
  new PerformanceObserver((list) => find(list.getEntries())).observe({ type: "paint", buffered: true });
})`;

/** The shortest of several first paints: others use this machine as well. */
export async function firstPaintMs(tab: Tab, url: string): Promise<number> {
  const paints: number[] = [];
  for (let round = 0; round < 7; round++) {
    await tab.open(url);
    paints.push(await tab.evaluate<number>(FIRST_PAINT));
  }
  return Math.min(...paints);
}

/** A tab of a browser of its own, with the page of a balancer of its own. */
export async function openPage(stats = "", view: View = {}): Promise<PageStand & { tab: Tab; started: Browser }> {
  const [stand, started] = await Promise.all([pageStand(stats), browser()]);
  const tab = await started.tab(view);
  await tab.open(stand.url);
  return { ...stand, tab, started };
}

/** Text of the first match as it is shown, blanks made one; "" when nothing matches. */
export function textOf(tab: Tab, selector: string): Promise<string> {
  const expression = `(document.querySelector(${JSON.stringify(selector)})?.innerText ?? "").replace(/\\s+/g, " ").trim()`;
  return tab.evaluate<string>(expression);
}

/** What somebody hears of the first match: an image's title, say. */
export function titleOf(tab: Tab, selector: string): Promise<string> {
  return tab.evaluate<string>(`document.querySelector(${JSON.stringify(selector)})?.textContent ?? ""`);
}

/** Whether the first match can be seen. */
export function isShown(tab: Tab, selector: string): Promise<boolean> {
  return tab.evaluate<boolean>(`document.querySelector(${JSON.stringify(selector)})?.checkVisibility() ?? false`);
}

/** A server's row. */
export function rowOf(server: string): string {
  return `tr[id="s:${server}"]`;
}
