import { readFileSync } from "node:fs";
import { join } from "node:path";
import { client } from "../../support/client.ts";
import { serve } from "../../support/echo.ts";
import { startProxy } from "../../support/instance.ts";
import { freePort } from "../../support/ports.ts";
import { ROOT, runOk, start } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { until } from "../../support/until.ts";

export const FIXTURES = join(ROOT, "test/fixtures/clients");

/** Where clients find one of the two balancers. */
export interface Target {
  /** Whose it is, for messages. */
  readonly name: "HAProxy" | "haproxy-lite";
  readonly socket: string;
  /** The status page, open to everybody, and for admin with the password secret. */
  readonly url: string;
  readonly authUrl: string;
  readonly metrics: string;
  /** Port of the status page, and of be_tcp. */
  readonly httpPort: number;
  readonly port: number;
}

type Ports = Readonly<Record<"BE_TCP" | "LI_DB" | "LI_DEAD" | "LI_REFUSED" | "HTTP" | "AUTH_HTTP" | "PROM", number>>;
type Servers = Readonly<Record<"ECHO1" | "ECHO2" | "DEAD1" | "DEAD2", number>>;

/** Two echo servers, and two ports on which nobody listens. */
export async function startServers(): Promise<Servers> {
  const [one, two] = [await serve({ kind: "echo" }), await serve({ kind: "echo" })];
  return { ECHO1: one.port, ECHO2: two.port, DEAD1: freePort(), DEAD2: freePort() };
}

/** HAProxy itself, with some traffic behind it. */
export async function startHaproxy(haproxy: string, servers: Servers): Promise<Target> {
  const ports = freePorts();
  const socket = join(tmpDir(), "s");
  const config = join(tmpDir(), "haproxy.cfg");
  await Bun.write(config, filled("stand.haproxy.cfg", { ...ports, ...servers, SOCKET: socket }));
  const running = start([haproxy, "-db", "-f", config]);
  const ask = (command: string) => runOk(["socat", "-", `UNIX-CONNECT:${socket}`], { stdin: `${command}\n` });
  await until("HAProxy to have checked its servers", async () => {
    if (!running.alive()) throw new Error(running.output());
    return isChecked(await ask("show stat"));
  });
  await someTraffic(ports);
  return {
    name: "HAProxy",
    socket,
    url: `http://127.0.0.1:${ports.HTTP}/stats`,
    authUrl: `http://127.0.0.1:${ports.AUTH_HTTP}/stats`,
    metrics: `http://127.0.0.1:${ports.PROM}/metrics`,
    httpPort: ports.HTTP,
    port: ports.BE_TCP,
  };
}

/** Ours: one whose page is open to everybody, and a second one whose page wants a password, with the same traffic. */
export async function startOurs(servers: Servers): Promise<Target> {
  const auth = '[[stats.auth]]\nuser = "admin"\npassword = "secret"';
  const [open, closed] = await Promise.all([startOne(servers, ""), startOne(servers, auth)]);
  return {
    name: "haproxy-lite",
    socket: open.socket,
    url: `http://127.0.0.1:${open.ports.HTTP}/stats`,
    authUrl: `http://127.0.0.1:${closed.ports.HTTP}/stats`,
    metrics: `http://127.0.0.1:${open.ports.HTTP}/metrics`,
    httpPort: open.ports.HTTP,
    port: open.ports.BE_TCP,
  };
}

async function startOne(servers: Servers, auth: string): Promise<{ ports: Ports; socket: string }> {
  const ports = freePorts();
  const socket = join(tmpDir(), "s");
  const proxy = await startProxy(filled("stand.toml", { ...ports, ...servers, SOCKET: socket, AUTH: auth }));
  await until("our servers to be checked", async () => isChecked((await proxy.status("--csv")).stdout));
  await someTraffic(ports);
  return { ports, socket };
}

/** The two dead ones are down, and each by its own word. */
function isChecked(csv: string): boolean {
  return ["srv1,.*,UP,", "srv2,.*,UP,", "db1,.*,DOWN,", "db2,.*,UP,", "x1,.*,DOWN,"].every((row) =>
    new RegExp(`^\\w+,${row}.*,L4(OK|CON),`, "m").test(csv),
  );
}

/** So that no counter that a client may show is without a cause: sessions that stay, ended ones, an aborted one, refused ones. */
async function someTraffic({ BE_TCP, LI_DB, LI_DEAD, LI_REFUSED }: Ports): Promise<void> {
  for (let i = 0; i < 3; i++) {
    const stays = client(BE_TCP);
    await stays.send("hold");
    await stays.receive("hold");
  }
  for (let i = 0; i < 12; i++) {
    const one = client(i % 3 === 0 ? LI_DB : BE_TCP);
    await one.send("x".repeat(10 + i));
    await one.receive("x".repeat(10 + i));
    if (i === 5) one.rst();
    else one.fin();
    await one.ended;
  }
  for (const port of [LI_DEAD, LI_REFUSED]) {
    const lost = client(port);
    await lost.send("?").catch(() => {});
    await lost.ended;
  }
}

function freePorts(): Ports {
  const ports = ["BE_TCP", "LI_DB", "LI_DEAD", "LI_REFUSED", "HTTP", "AUTH_HTTP", "PROM"].map((name) => [
    name,
    freePort(),
  ]);
  return Object.fromEntries(ports) as Ports;
}

/** A file of the kit with its {NAME}s filled in. */
function filled(name: string, values: Readonly<Record<string, string | number>>): string {
  return readFileSync(join(FIXTURES, name), "utf8").replace(/\{([A-Z_0-9]+)\}/g, (whole, key: string) =>
    String(values[key] ?? whole),
  );
}
