import { beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run, runOk } from "../../support/process.ts";
import { openTerminal, type Screen, TERMINAL, type TerminalSession } from "../../support/terminal.ts";
import { tmpDir } from "../../support/tmp.ts";
import { tool } from "../../support/tools.ts";
import { until } from "../../support/until.ts";
import { expectedShape, shapeOf } from "./shape.ts";
import { FIXTURES, startHaproxy, startOurs, startServers, type Target } from "./stand.ts";

const haproxy = tool("haproxy");
const socat = tool("socat");
const ansible = tool("ansible");
const hatop = tool("hatop");

describe.skipIf(haproxy === null || socat === null)("HAProxy's clients that change something", () => {
  let targets: readonly [Target, Target];
  beforeAll(async () => {
    const servers = await startServers();
    targets = await Promise.all([startHaproxy(haproxy ?? "", servers), startOurs(servers)]);
  });

  /** A server's status, by the balancer's own word. */
  const statusOf = async ({ socket }: Target, server: string): Promise<string> => {
    const csv = await runOk([socat ?? "", "-", `UNIX-CONNECT:${socket}`], { stdin: "show stat be_tcp 4 -1\n" });
    return (
      csv
        .split("\n")
        .find((line) => line.startsWith(`be_tcp,${server},`))
        ?.split(",")[17] ?? ""
    );
  };

  test.skipIf(ansible === null)(
    "Ansible's module takes a server out, drains it and brings it back",
    async () => {
      const [theirs = [], our = []] = (await play()).map((output) => shapeOf(output));
      expect(our).toEqual(theirs);
      const kit = readFileSync(join(FIXTURES, "expected-2.6.12/ansible.txt"), "utf8");
      const dense = (line: string): string => line.replaceAll(" ", "");
      const known = theirs.map(dense);
      expect(expectedShape(kit, {}).filter((line) => !known.includes(dense(line)))).toEqual([]);
    },
    // Ansible takes a second of CPU time for each of its four turns, and as many seconds as it shares the CPU with others.
    ANSIBLE_MS,
  );

  /** One inventory of both balancers, as two hosts: what each turn said of them, and how they stood after it. */
  async function play(): Promise<string[]> {
    const home = tmpDir();
    const inventory = join(home, "hosts");
    await Bun.write(
      inventory,
      targets
        .map(({ name, socket }) => `${name} socket=${socket} ansible_python_interpreter=/usr/bin/python3\n`)
        .join(""),
    );
    const said = targets.map(() => "");
    for (const state of ["disabled", "enabled", "drain", "enabled"]) {
      const args = `state=${state} host=srv1 backend=be_tcp socket={{ socket }}`;
      const { stdout, stderr, code } = await run(
        [ansible ?? "", "all", "-i", inventory, "-c", "local", "-m", "community.general.haproxy", "-a", args],
        {
          env: {
            HOME: home,
            ANSIBLE_NOCOLOR: "1",
            ANSIBLE_LOCAL_TEMP: home,
            ANSIBLE_REMOTE_TEMP: home,
            LC_ALL: "C.UTF-8",
          },
          cwd: home,
          timeoutMs: ANSIBLE_MS,
        },
      );
      if (code !== 0) throw new Error(`${stdout}${stderr}`);
      const wanted = { disabled: "MAINT", drain: "DRAIN" }[state] ?? "UP";
      for (const [index, target] of targets.entries()) {
        const [, answer = ""] = new RegExp(`^${target.name} \\| ([^|]*\\})$`, "m").exec(stdout) ?? [];
        const status = await until(`${state} on ${target.name}`, async () => {
          const now = await statusOf(target, "srv1");
          return now.startsWith(wanted) ? now : null;
        });
        said[index] += `localhost | ${answer.replace(/\s+/g, " ")}\n${status}\n`;
      }
    }
    return said.map((text) => `${text}rc=0\n`);
  }

  test.skipIf(hatop === null || TERMINAL === null)("hatop shows the same in all its views", async () => {
    const [theirs = [], our = []] = await Promise.all(targets.map(views));
    expect(our).toEqual(theirs);
    const kit = readFileSync(join(FIXTURES, "expected-2.6.12/hatop.txt"), "utf8");
    // The kit's screen was shorter, its frontend and backend two proxies.
    const rows = expectedShape(kit, {}).filter((line) => /^(srv|db|NAME|FRONTEND|>>> (be_tcp|li_db))/.test(line));
    expect(rows.filter((line) => !theirs.some((screen) => screen.map(row).includes(row(line))))).toEqual([]);
  });

  test.skipIf(hatop === null || TERMINAL === null)(
    "hatop puts a server into maintenance and brings it back",
    async () => {
      for (const target of targets) {
        const terminal = openHatop(target);
        await terminal.shows(/^srv2 +100 UP +(\* )?L4OK/m);
        await choose(terminal, "srv2");
        await terminal.type(F10);
        await until(`maintenance on ${target.name}`, async () => (await statusOf(target, "srv2")) === "MAINT");
        await terminal.shows(/^srv2 +100 MAINT/m);
        await terminal.type(F9);
        await until(`srv2 up on ${target.name}`, async () => (await statusOf(target, "srv2")).startsWith("UP"));
        await terminal.shows(/^srv2 +100 UP/m);
        await terminal.type("q");
        expect(await terminal.until("hatop's end", ({ exit }) => exit !== null)).toMatchObject({ exit: 0 });
      }
    },
  );
});

const ANSIBLE_MS = 120_000;
const F9 = "\u001b[20~";
const F10 = "\u001b[21~";
/** High enough for our four proxies, and for none of those that serve HAProxy's pages. */
const ROWS = 37;
const VIEWS = [
  ["1", "CHECK"],
  ["2", "LBTOT"],
  ["3", "RTOT"],
  ["4", "ECONN"],
] as const;

function openHatop({ socket }: Target): TerminalSession {
  return openTerminal([hatop ?? "", "-s", socket, "-i", "1"], { columns: 120, rows: ROWS, env: { TERM: "linux" } });
}

/** The shape of each of hatop's views of figures. */
async function views(target: Target): Promise<string[][]> {
  const terminal = openHatop(target);
  const shapes: string[][] = [];
  for (const [key, title] of VIEWS) {
    await terminal.type(key);
    const { lines } = await terminal.until(`showing view ${key}`, ({ lines }) => {
      const text = lines.join("\n");
      return text.includes(title) && />>> li_refused\n+FRONTEND.*\nr1.*\nBACKEND/.test(text);
    });
    shapes.push(shapeOf(lines.map(unlike).join("\n")));
  }
  await terminal.type("q");
  await terminal.until("hatop's end", ({ exit }) => exit !== null);
  return shapes;
}

/** Names and times of the head, and bars, which are as long as something is full. */
function unlike(line: string): string {
  return line
    .replace(/HATop version.*/, "HATop")
    .replace(/\S+ Version:.*/, "Version")
    .replace(/Node:.*/, "Node")
    .replace(/\[[ |]*/, "[");
}

/** A row's name and how many cells it has. */
function row(line: string): string {
  const [name = "", ...cells] = line.split(" ");
  return `${name} ${cells.length}`;
}

/** Moves hatop's cursor down to a server. It drops keys that come while it draws, so each is waited for. */
async function choose(terminal: TerminalSession, name: string): Promise<void> {
  let screen = await terminal.look();
  while (!chosen(screen).startsWith(name)) {
    const from = chosen(screen);
    await terminal.type("\u001b[B");
    screen = await terminal.until(`below ${from}`, (now) => chosen(now) !== from);
  }
}

/** The line under hatop's cursor; above it, the titles are in reverse video too. */
function chosen({ lines, reversed }: Screen): string {
  return lines[Math.max(...reversed)] ?? "";
}
