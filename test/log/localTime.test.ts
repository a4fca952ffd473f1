import { describe, expect, test } from "bun:test";
import { join } from "node:path";

const MODULE = join(import.meta.dir, "../../src/log/localTime.ts");

/** What a process in that time zone prints for these instants, in one go, so that caches carry over from one to the next. */
function inZone(zone: string, instants: string[]): string[] {
  const program = `
    import { acceptDate, bsdTime, isoSecond, utcOffset } from ${JSON.stringify(MODULE)};
    for (const instant of ${JSON.stringify(instants)}) {
      const ms = Date.parse(instant);
      console.log([acceptDate(ms), bsdTime(ms), isoSecond(ms) + utcOffset(ms)].join(" | "));
    }`;
  const { stdout, stderr, success } = Bun.spawnSync([process.execPath, "-e", program], {
    env: { ...process.env, TZ: zone },
  });
  if (!success) throw new Error(stderr.toString());
  return stdout.toString().trim().split("\n");
}

describe("local time", () => {
  test("goes from 01:59:59 to 03:00:00 when summer begins", () => {
    expect(inZone("Europe/Berlin", ["2026-03-29T00:59:59.999Z", "2026-03-29T01:00:00.000Z"])).toEqual([
      "29/Mar/2026:01:59:59.999 | Mar 29 01:59:59 | 2026-03-29T01:59:59+01:00",
      "29/Mar/2026:03:00:00.000 | Mar 29 03:00:00 | 2026-03-29T03:00:00+02:00",
    ]);
  });

  test("repeats an hour with another offset when summer ends", () => {
    expect(inZone("Europe/Berlin", ["2026-10-25T00:59:59Z", "2026-10-25T01:00:00Z", "2026-10-25T00:59:59Z"])).toEqual([
      "25/Oct/2026:02:59:59.000 | Oct 25 02:59:59 | 2026-10-25T02:59:59+02:00",
      "25/Oct/2026:02:00:00.000 | Oct 25 02:00:00 | 2026-10-25T02:00:00+01:00",
      "25/Oct/2026:02:59:59.000 | Oct 25 02:59:59 | 2026-10-25T02:59:59+02:00",
    ]);
  });

  test("knows offsets of half an hour, west and east", () => {
    expect(inZone("America/St_Johns", ["2026-01-05T10:00:00Z"])[0]).toEndWith("2026-01-05T06:30:00-03:30");
    expect(inZone("Asia/Kolkata", ["2026-01-05T10:00:00Z"])[0]).toEndWith("2026-01-05T15:30:00+05:30");
  });

  test("pads the day with a blank where RFC 3164 wants one and with a zero elsewhere", () => {
    expect(inZone("UTC", ["2026-01-05T00:00:07.040Z"])).toEqual([
      "05/Jan/2026:00:00:07.040 | Jan  5 00:00:07 | 2026-01-05T00:00:07+00:00",
    ]);
  });
});
