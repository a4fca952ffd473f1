import { writeFileSync } from "node:fs";
import { atEnd } from "./cleanup.ts";
import { start } from "./process.ts";
import { tmpDir } from "./tmp.ts";
import { until } from "./until.ts";

/** How a tab looks at a page. */
export interface View {
  width?: number;
  height?: number;
  scheme?: "light" | "dark";
  reducedMotion?: boolean;
  /** As on paper. */
  print?: boolean;
  /** false: the page's scripts do not run; ours do. */
  javascript?: boolean;
  /** "user:password" for Basic authentication. */
  login?: string;
}

/** A page in headless Chromium, driven through the DevTools protocol. */
export interface Tab {
  /** Loads a page to its `load` event. Throws when there is no answer. */
  open(url: string): Promise<void>;
  /** The plain value of an expression, or of the promise it is, in the page; throws what it throws. */
  evaluate<T>(expression: string): Promise<T>;
  look(view: View): Promise<void>;
  /** Presses one key: "Tab", "Enter", " ", "a". */
  press(key: string): Promise<void>;
  type(text: string): Promise<void>;
  /** Clicks the middle of the first match. */
  click(selector: string): Promise<void>;
  /** A PNG of the whole page, or of what a screen shows. */
  screenshot(path: string, whole?: boolean): Promise<void>;
  /** Any method of the protocol. */
  send<T>(method: string, params?: object): Promise<T>;
  /** What the page wrote to its console as a warning or an error, and what it threw. */
  readonly complaints: string[];
}

/** A running browser. */
export interface Browser {
  tab(view?: View): Promise<Tab>;
}

interface Answer {
  id?: number;
  result?: unknown;
  error?: { message: string };
  method?: string;
  params?: unknown;
  sessionId?: string;
}

type Listener = (method: string, params: unknown) => void;

/** Starts a browser of its own for a test; it ends with the test, whatever happens. */
export async function startBrowser(program: string): Promise<Browser> {
  const profile = tmpDir();
  const flags = [
    "--headless=new",
    "--no-sandbox", // it refuses to run as root with one
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--no-default-browser-check",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--remote-debugging-port=0",
    `--user-data-dir=${profile}`,
  ];
  const browser = start([program, ...flags, "about:blank"], { env: { HOME: profile, TMPDIR: profile } });
  const said = await browser.waitFor(/DevTools listening on ws:\S+/, { timeoutMs: 25_000 });
  const send = await connect(said.slice(said.indexOf("ws:")));
  atEnd(async () => {
    await Promise.race([send("Browser.close").catch(() => {}), Bun.sleep(1000)]);
    await Promise.race([browser.exited, Bun.sleep(3000)]);
    await browser.kill();
  });
  return { tab: (view = {}) => openTab(send, view) };
}

type Send = (method: string, params?: object, session?: string, listener?: Listener) => Promise<unknown>;

/** Requests over one WebSocket; events of a session go to the listener that was given with its first request. */
async function connect(url: string): Promise<Send> {
  const socket = new WebSocket(url);
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  const listeners = new Map<string, Listener>();
  let next = 1;
  socket.onmessage = ({ data }) => {
    const { id, result, error, method, params, sessionId } = JSON.parse(String(data)) as Answer;
    if (id === undefined) {
      if (sessionId !== undefined && method !== undefined) listeners.get(sessionId)?.(method, params);
      return;
    }
    const request = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) request?.resolve(result);
    else request?.reject(new Error(error.message));
  };
  socket.onclose = () => {
    for (const { reject } of waiting.values()) reject(new Error("the browser has gone"));
    waiting.clear();
  };
  await new Promise<void>((resolve, reject) => {
    socket.onopen = () => resolve();
    socket.onerror = () => reject(new Error(`no connection to ${url}`));
  });
  return (method, params = {}, session, listener) => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const id = next++;
    if (session !== undefined && listener !== undefined) listeners.set(session, listener);
    waiting.set(id, { resolve, reject: (error) => reject(new Error(`${method}: ${error.message}`)) });
    socket.send(JSON.stringify({ id, method, params, ...(session !== undefined && { sessionId: session }) }));
    return promise;
  };
}

async function openTab(browser: Send, view: View): Promise<Tab> {
  const { targetId } = (await browser("Target.createTarget", { url: "about:blank" })) as { targetId: string };
  const attached = (await browser("Target.attachToTarget", { targetId, flatten: true })) as { sessionId: string };
  const complaints: string[] = [];
  let loads = 0;
  const listener: Listener = (method, params) => {
    if (method === "Page.loadEventFired") loads++;
    if (method === "Log.entryAdded") complaints.push((params as { entry: { text: string } }).entry.text);
    if (method === "Runtime.exceptionThrown") complaints.push(JSON.stringify(params));
  };
  const send = <T>(method: string, params: object = {}): Promise<T> =>
    browser(method, params, attached.sessionId, listener) as Promise<T>;
  for (const domain of ["Page", "Runtime", "Log", "Network"]) await send(`${domain}.enable`);

  const evaluate = async <T>(expression: string): Promise<T> => {
    const { result, exceptionDetails } = await send<{
      result: { value: T };
      exceptionDetails?: { text: string; exception?: { description?: string } };
    }>("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true, userGesture: true });
    if (exceptionDetails !== undefined)
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  };
  const tab: Tab = {
    complaints,
    send,
    evaluate,
    async open(url) {
      const before = loads;
      const { errorText } = await send<{ errorText?: string }>("Page.navigate", { url });
      if (errorText !== undefined) throw new Error(`${url}: ${errorText}`);
      await until(`the load of ${url}`, () => loads > before, { timeoutMs: 15_000 });
    },
    async look({ width, height = 900, scheme, reducedMotion, print, javascript, login }) {
      if (width !== undefined)
        await send("Emulation.setDeviceMetricsOverride", {
          width,
          height,
          deviceScaleFactor: 1,
          mobile: width < 600,
        });
      const features = [
        ...(scheme === undefined ? [] : [{ name: "prefers-color-scheme", value: scheme }]),
        ...(reducedMotion === true ? [{ name: "prefers-reduced-motion", value: "reduce" }] : []),
      ];
      await send("Emulation.setEmulatedMedia", { media: print === true ? "print" : "", features });
      if (javascript !== undefined) await send("Emulation.setScriptExecutionDisabled", { value: !javascript });
      if (login !== undefined)
        await send("Network.setExtraHTTPHeaders", { headers: { Authorization: `Basic ${btoa(login)}` } });
    },
    async press(key) {
      const text = key === "Enter" ? "\r" : key.length === 1 ? key : undefined;
      const codes: Record<string, number> = { Tab: 9, Enter: 13, " ": 32, Escape: 27 };
      const code = codes[key] ?? key.toUpperCase().charCodeAt(0);
      const common = { key, windowsVirtualKeyCode: code };
      await send("Input.dispatchKeyEvent", { type: "keyDown", ...common, ...(text !== undefined && { text }) });
      await send("Input.dispatchKeyEvent", { type: "keyUp", ...common });
    },
    async type(text) {
      await send("Input.insertText", { text });
    },
    async click(selector) {
      const at = await evaluate<{ x: number; y: number }>(`(() => {
        const element = document.querySelector(${JSON.stringify(selector)});
        if (!element) throw new Error("nothing matches " + ${JSON.stringify(selector)});
        element.scrollIntoView({ block: "center", behavior: "instant" });
        const { x, y, width, height } = element.getBoundingClientRect();
        return { x: x + width / 2, y: y + height / 2 };
      })()`);
      for (const type of ["mousePressed", "mouseReleased"])
        await send("Input.dispatchMouseEvent", { type, ...at, button: "left", clickCount: 1 });
    },
    async screenshot(path, whole = false) {
      const { data } = await send<{ data: string }>("Page.captureScreenshot", {
        format: "png",
        captureBeyondViewport: whole,
      });
      writeFileSync(path, Buffer.from(data, "base64"));
    },
  };
  await tab.look({ width: 1280, javascript: true, ...view });
  return tab;
}
