import { describe, expect, test } from "bun:test";
import type { Snapshot } from "../../../src/stats/snapshot.ts";
import { serve, type TestServer } from "../../support/echo.ts";
import { freePort } from "../../support/ports.ts";
import { until } from "../../support/until.ts";
import { type Balancer, type LiteBalancer, startHaproxy, startLite } from "../relay/support/balancer.ts";
import type { ListenSpec } from "../relay/support/listens.ts";
import { type CsvRow, numberIn, parseCsv } from "./csv.ts";

// What clients did, counted by them, against what every form of the statistics says they did.

const NORMAL = 40;
const BROKEN = 7;
const RESET = 5;
const REFUSED = 3;
const RETRIES = 2;
const MOVED = 6;
const RESET_AFTER_BYTES = 64;

const SAID = "nobody hears this";

/** What is expected of a row; whatever is not named is 0. */
type Expected = Record<(typeof COUNTED)[number], number>;
const COUNTED = [
  "stot",
  "bin",
  "bout",
  "econ",
  "wretr",
  "wredis",
  "cli_abrt",
  "srv_abrt",
  "lbtot",
  "connect",
  "scur",
] as const;
const expected = (counts: Partial<Expected>): Expected => ({
  ...(Object.fromEntries(COUNTED.map((column) => [column, 0])) as Expected),
  ...counts,
});

async function listens(): Promise<ListenSpec[]> {
  const [a, b, resetting] = [
    await serve({ kind: "banner", text: "A" }),
    await serve({ kind: "banner", text: "B" }),
    await serve({ kind: "rst", bytes: RESET_AFTER_BYTES }),
  ];
  const nobody = `127.0.0.1:${freePort()}`;
  const timeout = { connect: 300, client: 30_000, server: 30_000 };
  return [
    { name: "main", timeout, servers: [server("a", a), server("b", b)] },
    { name: "resetting", timeout, servers: [server("r", resetting)] },
    { name: "dead", timeout, retries: RETRIES, redispatch: false, servers: [{ name: "d", address: nobody }] },
    { name: "mixed", timeout, servers: [{ name: "gone", address: nobody }, server("live", a)] },
  ];
}

const server = (name: string, { address }: TestServer) => ({ name, address });
const textOf = (i: number): string => "x".repeat(1 + i * 997);

/** Every kind of session, several at a time; what each listen and server must have counted. */
async function play(balancer: Balancer): Promise<Record<string, Expected>> {
  const a = expected({});
  const b = expected({});
  const normal = Array.from({ length: NORMAL }, async (_, i) => {
    const one = balancer.client("main");
    await one.send(textOf(i));
    const heard = await one.receive(1 + textOf(i).length);
    if (i < BROKEN) one.rst();
    else one.fin();
    const its = heard.startsWith("A") ? a : b;
    its.stot++;
    its.lbtot++;
    its.connect++;
    its.bin += textOf(i).length;
    if (i < BROKEN) its.cli_abrt++;
    if (i >= BROKEN) await one.ended;
    its.bout += one.received().length;
  });
  const resets = Array.from({ length: RESET }, async () => {
    const one = balancer.client("resetting");
    await one.send("r".repeat(RESET_AFTER_BYTES));
    await one.ended;
  });
  const refused = Array.from({ length: REFUSED }, async () => {
    const one = balancer.client("dead");
    await one.send(SAID);
    await one.ended;
  });
  await Promise.all([...normal, ...resets, ...refused]);
  // One after the other: it is always the turn of the server that is gone.
  for (let i = 0; i < MOVED; i++) {
    const one = balancer.client("mixed");
    await one.send("moved");
    await one.receive("Amoved");
    one.fin();
    await one.ended;
  }
  const main = expected({});
  for (const column of COUNTED) main[column] = a[column] + b[column];
  const reset = expected({
    ...{ stot: RESET, lbtot: RESET, connect: RESET },
    ...{ srv_abrt: RESET, bin: RESET * RESET_AFTER_BYTES },
  });
  const failed = { econ: REFUSED, wretr: REFUSED * RETRIES, lbtot: REFUSED, connect: REFUSED * (1 + RETRIES) };
  const moved = { stot: MOVED, bin: "moved".length * MOVED, bout: "Amoved".length * MOVED };
  return {
    "main/BACKEND": main,
    "main/a": a,
    "main/b": b,
    "resetting/BACKEND": reset,
    "resetting/r": reset,
    "dead/BACKEND": expected({ ...failed, stot: REFUSED, bin: REFUSED * SAID.length }),
    "dead/d": expected(failed),
    "mixed/BACKEND": expected({ ...moved, wredis: MOVED, lbtot: 2 * MOVED, connect: 2 * MOVED }),
    "mixed/gone": expected({ wredis: MOVED, lbtot: MOVED, connect: MOVED }),
    "mixed/live": expected({ ...moved, lbtot: MOVED, connect: MOVED }),
  };
}

/** Rows of the counters that say the same in all programs, by "listen/server". */
function counted(rows: readonly CsvRow[]): Record<string, Expected> {
  return Object.fromEntries(
    rows
      .filter(({ svname }) => svname !== "FRONTEND")
      .map((row) => [
        `${row.pxname}/${row.svname}`,
        Object.fromEntries(COUNTED.map((column) => [column, numberIn(row, column)])) as Expected,
      ]),
  );
}

/** The same rows from `show stat typed`. */
function typedRows(text: string): CsvRow[] {
  const rows = new Map<string, Record<string, string>>();
  for (const [, whose = "", name = "", value = ""] of text.matchAll(
    /^([FBS]\.\d+\.\d+)\.\d+\.(\w+)\.1:\w+:\w+:(.*)$/gm,
  )) {
    const row = rows.get(whose) ?? {};
    row[name] = value;
    rows.set(whose, row);
  }
  return [...rows.values()];
}

/** The same rows from `show stat json`. */
function jsonRows(text: string): CsvRow[] {
  type Item = { field: { name: string }; value: { value: string | number } };
  return (JSON.parse(text) as Item[][]).map((items) =>
    Object.fromEntries(items.map(({ field, value }) => [field.name, String(value.value)])),
  );
}

/** The same rows from `status --json`. */
function statusRows({ listens }: Snapshot): Record<string, Partial<Expected>> {
  const of = ({
    sessions,
    bytesIn,
    bytesOut,
    errors,
  }: Snapshot["listens"][number]["servers"][number] | Snapshot["listens"][number]) => ({
    stot: sessions.total,
    scur: sessions.current,
    bin: bytesIn,
    bout: bytesOut,
    econ: errors.connect,
    wretr: errors.retries,
    wredis: errors.redispatches,
    cli_abrt: errors.clientAborts,
    srv_abrt: errors.serverAborts,
  });
  return Object.fromEntries(
    listens.flatMap((listen) => [
      [`${listen.name}/BACKEND`, of(listen)],
      ...listen.servers.map((each) => [`${listen.name}/${each.name}`, of(each)] as const),
    ]),
  );
}

async function quiet(balancer: Balancer): Promise<void> {
  await until("all sessions to be over", async () =>
    parseCsv(await balancer.ask("show stat")).every(({ scur }) => scur === "0"),
  );
}

describe("counters", () => {
  test.each([1, 3])("agree exactly with what clients did, in every form, on %d threads", async (threads) => {
    const lite: LiteBalancer = await startLite(await listens(), { threads });
    const wanted = await play(lite);
    await quiet(lite);
    const rows = counted(parseCsv(await lite.ask("show stat")));
    expect(rows).toEqual(wanted);
    expect(counted(typedRows(await lite.ask("show stat typed")))).toEqual(rows);
    expect(counted(jsonRows(await lite.ask("show stat json")))).toEqual(rows);
    const withoutChoices = (each: Record<string, Expected>) =>
      Object.fromEntries(Object.entries(each).map(([name, { lbtot: _, connect: __, ...rest }]) => [name, rest]));
    expect(statusRows(await lite.proxy.statusJson<Snapshot>())).toEqual(withoutChoices(rows));
    const clients = NORMAL + RESET + REFUSED + MOVED;
    const info = await lite.ask("show info");
    expect(info).toContain(`\nCumConns: ${clients}\n`);
    expect(info).toContain(`\nCurrConns: 0\n`);
    const bytesOut = Object.entries(rows).reduce(
      (sum, [name, { bout }]) => sum + (name.endsWith("/BACKEND") ? bout : 0),
      0,
    );
    expect(info).toContain(`\nTotalBytesOut: ${bytesOut}\n`);
    expect(await lite.ask("show activity")).toMatch(new RegExp(`^accepted: ${clients}\\b`, "m"));
  });

  test("are HAProxy's own for the same clients", async () => {
    const haproxy = await startHaproxy(await listens());
    if (haproxy === null) return;
    const wanted = await play(haproxy);
    await quiet(haproxy);
    // A server's sessions there are attempts to connect, and its bytes those that it was to have, not those that it got.
    wanted["dead/d"] = { ...(wanted["dead/d"] as Expected), stot: REFUSED * (1 + RETRIES), bin: REFUSED * SAID.length };
    wanted["mixed/gone"] = { ...(wanted["mixed/gone"] as Expected), stot: MOVED };
    expect(counted(parseCsv(await haproxy.ask("show stat")))).toEqual(wanted);
  });
});
