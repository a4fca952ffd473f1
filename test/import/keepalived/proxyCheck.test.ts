import { expect, test } from "bun:test";
import { proxyCheckOf } from "../../../src/import/keepalived/proxyCheck.ts";

const world = { readIncluded: () => null, configId: "lb01" };

const found = (text: string) => proxyCheckOf({ path: "keepalived.conf", text }, world);

test("the script that looks for HAProxy is found with its times, as keepalived has them where it says none", () => {
  expect(found('vrrp_script chk {\n  script "killall -0 haproxy"\n  interval 2\n  weight 2\n}\n')).toEqual({
    intervalMs: 2000,
    rise: 1,
    fall: 1,
  });
  expect(found('vrrp_script chk {\n  script "/usr/bin/pidof haproxy"\n  rise 2\n  fall 3\n}\n')).toEqual({
    intervalMs: 1000,
    rise: 2,
    fall: 3,
  });
});

test("the slowest of several counts, and other scripts do not", () => {
  const script = (name: string, command: string, interval: number) =>
    `vrrp_script ${name} {\n  script "${command}"\n  interval ${interval}\n}\n`;
  const both = script("a", "killall -0 haproxy", 1) + script("b", "pidof haproxy", 5);
  expect(found(both + script("c", "/usr/bin/ping -c1 192.0.2.1", 60))?.intervalMs).toBe(5000);
  expect(found(script("c", "/usr/bin/ping -c1 192.0.2.1", 60))).toBeNull();
});
