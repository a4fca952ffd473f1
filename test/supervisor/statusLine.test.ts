import { describe, expect, test } from "bun:test";
import { statusLine } from "../../src/supervisor/statusLine.ts";
import { instanceWith, vrrpWith } from "../stats/vrrpCases.ts";

const listens = [
  { name: "a", usable: 2, servers: 2 },
  { name: "b", usable: 0, servers: 3 },
  { name: "empty", usable: 0, servers: 0 },
];

describe("health in one line", () => {
  test("counts listens that somebody serves, and servers; a listen without servers is none to be judged", () => {
    expect(statusLine({ trouble: "", listens, vrrp: null })).toBe("1/2 listens up, 2/5 servers up");
  });

  test("names virtual routers with their states, up to four of them", () => {
    const router = (name: string, state: "MASTER" | "BACKUP") => instanceWith({ name, state });
    const two = vrrpWith(router("VI_1", "MASTER"), router("VI_2", "BACKUP"));
    expect(statusLine({ trouble: "", listens: listens.slice(0, 1), vrrp: two })).toBe(
      "1/1 listens up, 2/2 servers up, VI_1 MASTER, VI_2 BACKUP",
    );
    const five = vrrpWith(...Array.from({ length: 5 }, (_, i) => router(`V${i}`, i === 0 ? "MASTER" : "BACKUP")));
    expect(statusLine({ trouble: "", listens: [], vrrp: five })).toBe(
      "0/0 listens up, 0/0 servers up, 1 MASTER, 4 BACKUP",
    );
  });

  test("begins with what is wrong with the proxy", () => {
    expect(statusLine({ trouble: "ended (killed by signal SIGSEGV)", listens: [], vrrp: null })).toBe(
      "proxy ended (killed by signal SIGSEGV), 0/0 listens up, 0/0 servers up",
    );
  });
});
