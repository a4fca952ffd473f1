import { beforeAll, describe, expect, test } from "bun:test";
import { serve } from "../../support/echo.ts";
import { freePort } from "../../support/ports.ts";
import { tool } from "../../support/tools.ts";
import { until } from "../../support/until.ts";
import { type Balancer, startBoth } from "../relay/support/balancer.ts";
import type { ListenSpec } from "../relay/support/listens.ts";
import { type CsvRow, parseCsv } from "./csv.ts";

// Debian's HAProxy and we, side by side: the same listens, the same clients, the same questions.
const without = tool("haproxy") === null;

/** Servers in every state that both have words for, and a check that stays on its way. */
async function listens(): Promise<ListenSpec[]> {
  const [echo, silent] = [await serve({ kind: "echo" }), await serve({ kind: "silent" })];
  const nobody = `127.0.0.1:${freePort()}`;
  const disabled = { toml: "disabled = true", haproxy: "disabled" };
  return [
    {
      name: "web",
      maxconn: 500,
      timeout: { client: 30_000, server: 30_000 },
      servers: [
        { name: "up", address: echo.address, weight: 100, maxconn: 50, checkMs: 200 },
        { name: "down", address: nobody, weight: 50, checkMs: 200 },
        {
          name: "spare",
          address: echo.address,
          backup: true,
          checkMs: 200,
          toml: 'observe = "layer4"',
          haproxy: "observe layer4",
        },
        { name: "kept", address: echo.address, checkMs: 200, ...disabled },
      ],
    },
    {
      name: "plain",
      balance: "leastconn",
      timeout: { client: 30_000, server: 30_000 },
      servers: [
        { name: "one", address: echo.address },
        { name: "off", address: echo.address, ...disabled },
      ],
    },
    {
      name: "asking",
      timeout: { client: 30_000, server: 30_000 },
      toml: 'check = { interval = "100ms", timeout = "20s", send = "PING\\r\\n", expect = "PONG" }',
      haproxy: " timeout check 20s\n option tcp-check\n tcp-check send PING\\r\\n\n tcp-check expect string PONG",
      servers: [{ name: "mute", address: silent.address, haproxy: "check inter 100ms" }],
    },
  ];
}

let lite: Balancer;
let haproxy: Balancer;

/** Two sessions that are over, one that the client breaks off, and one that lives. */
async function traffic(balancer: Balancer): Promise<void> {
  for (let i = 0; i < 2; i++) {
    const client = balancer.client("web");
    await client.send("hello");
    await client.receive("hello");
    client.fin();
    await client.ended;
  }
  const broken = balancer.client("plain");
  await broken.send("abc");
  await broken.receive("abc");
  broken.rst();
  // Without a word: HAProxy counts a session's bytes when it ends.
  const living = balancer.client("web");
  await living.connected;
  await until(`${balancer.kind} to have counted them, and checked everybody`, async () => {
    const rows = parseCsv(await balancer.ask("show stat"));
    const [web, plain] = rows.filter(({ svname }) => svname === "BACKEND");
    const states = rows.map(({ status }) => status);
    const checked = rows.filter(({ check_status: status }) => status === "L4OK");
    return web?.scur === "1" && plain?.cli_abrt === "1" && states.includes("DOWN") && checked.length === 2;
  });
}

beforeAll(async () => {
  if (without) return;
  [lite, haproxy] = (await startBoth(await listens())) as [Balancer, Balancer];
  await Promise.all([traffic(lite), traffic(haproxy)]);
});

const both = async (command: string): Promise<{ ours: string; theirs: string }> => ({
  ours: await lite.ask(command),
  theirs: await haproxy.ask(command),
});

/** Says the same twice at most once: a check that runs in between may change an answer. */
async function same(what: string, look: () => Promise<{ ours: unknown; theirs: unknown }>): Promise<void> {
  let seen = await look();
  await until(`${what} to be the same`, async () => {
    seen = await look();
    return Bun.deepEquals(seen.ours, seen.theirs);
  }).catch(() => {});
  expect(seen.ours).toEqual(seen.theirs);
}

describe.skipIf(without)("beside HAProxy", () => {
  test("show stat has the same header, the same rows, and in each the same columns filled", async () => {
    const shape = (text: string) => ({
      header: text.split("\n")[0],
      rows: parseCsv(text).map((row) => [
        row.pxname,
        row.svname,
        Object.keys(row).filter((column) => row[column] !== ""),
      ]),
    });
    await same("the filled columns", async () => {
      const { ours, theirs } = await both("show stat");
      return { ours: shape(ours), theirs: shape(theirs) };
    });
  });

  test("show stat has the same values wherever they do not depend on the clock, or on how much HAProxy takes on", async () => {
    // Rates and times; what a backend may take on is a tenth of its frontends' there.
    const own =
      /^(rate|rate_max|conn_rate|conn_rate_max|lastchg|downtime|lastsess|.time|.time_max|check_duration|slim)$/;
    const pooled = /^(used_conn_cur|need_conn_est)$/;
    const values = (rows: CsvRow[]) =>
      rows.map((row) =>
        Object.fromEntries(
          Object.entries({ ...row, check_status: row.check_status?.replace("* L4", "L4") }).filter(
            ([column]) => !own.test(column) && !pooled.test(column),
          ),
        ),
      );
    await same("the values", async () => {
      const { ours, theirs } = await both("show stat");
      return { ours: values(parseCsv(ours)), theirs: values(parseCsv(theirs)) };
    });
  });

  test("a check that is on its way has its star, and no words", async () => {
    const mute = ({ ours, theirs }: { ours: string; theirs: string }) =>
      [ours, theirs].map((text) => {
        const row = parseCsv(text).find(({ svname }) => svname === "mute");
        return [row?.check_status, row?.last_chk, row?.check_desc];
      });
    expect(mute(await both("show stat asking 4 -1"))).toEqual([
      ["* INI", "", "Initializing"],
      ["* INI", "", "Initializing"],
    ]);
  });

  test.each(["show stat typed", "show info typed"])("%s has the same lines, tagged the same", async (command) => {
    const tags = (text: string) => text.split("\n").map((line) => line.replace(/^(([^:]*:){3}).*/, "$1"));
    await same("the tags", async () => {
      const { ours, theirs } = await both(command);
      return { ours: tags(ours), theirs: tags(theirs) };
    });
  });

  test.each(["show stat json", "show info json"])("%s is the same but for the values", async (command) => {
    const shape = (text: string) =>
      JSON.parse(text, (key, value) => (key === "value" && typeof value !== "object" ? typeof value : value));
    await same("the JSON", async () => {
      const { ours, theirs } = await both(command);
      return { ours: shape(ours), theirs: shape(theirs) };
    });
  });

  test("show info has the same keys in the same order, and a number wherever HAProxy has one", async () => {
    const lines = (text: string) =>
      text
        .split("\n")
        .map((line) =>
          line.replace(/^(.*?): (\d+$)?.*/, (_, key, number) => `${key}${number === undefined ? "" : " #"}`),
        );
    const { ours, theirs } = await both("show info");
    expect(lines(ours)).toEqual(lines(theirs));
  });

  test.each(["show info desc", "show info typed desc", "show stat typed desc"])(
    "%s puts words behind every value",
    async (command) => {
      const shape = (text: string) =>
        text
          .split("\n")
          .map((line) =>
            line.replace(/^([^:]*:).*?(:"[^"]+")?$/, (_, key, about) => `${key}${about === undefined ? "" : "…"}`),
          );
      await same("the lines", async () => {
        const { ours, theirs } = await both(command);
        return { ours: shape(ours), theirs: shape(theirs) };
      });
    },
  );

  test.each([
    "show stat web 1 -1",
    "show stat web 4 2",
    "show stat web -1 2",
    "show stat 3 -1 -1",
    "show stat -1 6 -1",
    "show stat web",
    "show stat 2 4 -1 up",
    "show stat no-maint",
    "show stat up no-maint",
    "show stat 99 -1 -1",
    "show stat 2nd -1 -1",
    "show stat -1 x y",
    "show stat bogus words",
  ])("%s picks the same rows", async (command) => {
    const names = (text: string) => parseCsv(text).map(({ pxname, svname }) => `${pxname}/${svname}`);
    await same("the rows", async () => {
      const { ours, theirs } = await both(command);
      return { ours: names(ours), theirs: names(theirs) };
    });
  });

  test.each([
    "show stat nobody -1 -1",
    "show stat 99 -1 -1 json",
    "show stat 99 -1 -1 typed",
    "show servers state nobody",
    "show servers conn nobody",
    "show backend",
    "show table",
    "show table web",
    "show sess 0x1",
    "shutdown session",
    "shutdown session 0x1234",
    "show cli level",
  ])("%s is answered to the letter", async (command) => {
    const { ours, theirs } = await both(command);
    expect(ours).toBe(theirs);
  });

  test("show servers conn has the same columns", async () => {
    const shape = (text: string) =>
      text.split("\n").map((line) => (line.startsWith("#") ? line : line.split(" ").length));
    const { ours, theirs } = await both("show servers conn");
    expect(shape(ours)).toEqual(shape(theirs));
  });

  test("show errors says the same at another time", async () => {
    const { ours, theirs } = await both("show errors");
    const timeless = (text: string) => text.replace(/\[\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d\.\d{3}\]/, "[date]");
    expect(timeless(ours)).toBe(timeless(theirs));
    expect(timeless(ours)).toContain("[date]");
  });

  test("show sess has the same words for the session that lives", async () => {
    const words = (text: string) =>
      text
        .split("\n")
        .filter((line) => / fe=web /.test(line))
        .map((line) => line.replace(/^0x[0-9a-f]+/, "0x").replace(/=(?!\[)[^ ,\]]*/g, "="));
    const { ours, theirs } = await both("show sess");
    expect(words(ours)).toHaveLength(1);
    expect(words(ours)).toEqual(words(theirs));
    const facts = (text: string) => / (proto=\S+ src=127\.0\.0\.1):\d+ (fe=web be=web srv=up) /.exec(text)?.slice(1);
    expect(facts(ours)).toEqual(facts(theirs));
  });

  test("show cli sockets names the socket that one speaks to, and its level", async () => {
    const { ours, theirs } = await both("show cli sockets");
    const anyPath = (text: string) => text.replace(/@\/\S+\.sock /, "@PATH ");
    expect(anyPath(ours)).toBe(anyPath(theirs));
    expect(anyPath(ours)).toContain("unix@PATH admin all\n");
  });

  test("show activity has HAProxy's form", async () => {
    const { ours, theirs } = await both("show activity");
    const accepted = /^accepted: (\d+)$/m;
    expect(ours).toMatch(/^thread_id: 1 \(1\.\.1\)\ndate_now: \d+\.\d{6}\n/);
    expect(theirs).toMatch(/^thread_id: 1 \(1\.\.1\)\ndate_now: \d+\.\d{6}\n/);
    expect(ours).toMatch(accepted);
    expect(theirs).toMatch(accepted);
  });

  // In this order: each goes on from where the one before it has left the servers.
  test.each([
    "show servers state",
    "set server plain/one state drain",
    "set server plain/one weight 7",
    "set server plain/one state ready",
    "set server web/spare state maint",
    "set server web/kept state ready",
    "set server web/kept health stopping",
    "set server web/kept health down",
    "set server web/spare state ready",
    "set server plain/one addr 127.0.0.2 port 4711",
  ])("show servers state, and what show stat makes of it, are the same after: %s", async (command) => {
    const ageless = (text: string) =>
      text
        .split("\n")
        .map((line) => line.split(" ").map((word, column) => (column === 9 && /^\d/.test(word) ? "age" : word)));
    await both(command);
    await same("the states", async () => {
      const { ours, theirs } = await both("show servers state");
      return { ours: ageless(ours), theirs: ageless(theirs) };
    });
    const standing = (text: string) =>
      parseCsv(text).map(({ svname, status, weight, uweight, addr, act, bck, check_health: health }) => {
        return [svname, status, weight, uweight, addr, act, bck, health].join(" ");
      });
    await same("the rows", async () => {
      const { ours, theirs } = await both("show stat");
      return { ours: standing(ours), theirs: standing(theirs) };
    });
  });
});
