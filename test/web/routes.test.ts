import { describe, expect, test } from "bun:test";
import { optionsText, type Route, route } from "../../src/web/routes.ts";

const URI = "/haproxy.stats";
const PAGE = {
  kind: "stats",
  form: "html",
  up: false,
  noMaintenance: false,
  noRefresh: false,
  scope: null,
  outcome: null,
} as const;

describe("an address", () => {
  test.each<[string, Partial<Extract<Route, { kind: "stats" }>>]>([
    ["/haproxy.stats", {}],
    ["/haproxy.stats/", {}],
    ["/haproxy.stats/and/more", {}],
    ["/haproxy.statsomething", {}],
    ["/haproxy.stats;csv", { form: "csv" }],
    ["/haproxy.stats/;csv", { form: "csv" }],
    ["/haproxy.stats?stats;csv", { form: "csv" }],
    ["/haproxy.stats?;csv;norefresh", { form: "csv", noRefresh: true }],
    ["/haproxy.stats;json", { form: "json" }],
    ["/haproxy.stats;json-schema", { form: "json-schema" }],
    ["/haproxy.stats;typed", { form: "typed" }],
    ["/haproxy.stats;up;norefresh", { up: true, noRefresh: true }],
    ["/haproxy.stats;no-maint", { noMaintenance: true }],
    ["/haproxy.stats?scope=web", { scope: "web" }],
    ["/haproxy.stats;csv?scope=we%62", { form: "csv", scope: "web" }],
    ["/haproxy.stats?scope=a%zz", { scope: "a%zz" }],
    ["/haproxy.stats?scope=", { scope: null }],
    ["/haproxy.stats?scope=a&x=1", { scope: "a" }],
    [`/haproxy.stats?scope=${"x".repeat(100)}`, { scope: "x".repeat(64) }],
    ["/haproxy.stats;st=DONE", { outcome: "DONE" }],
    ["/haproxy.stats;st=DONE;norefresh?scope=a", { outcome: "DONE", noRefresh: true, scope: "a" }],
    ["/", {}],
    ["/;csv", { form: "csv" }],
    ["/;csv;norefresh", { form: "csv", noRefresh: true }],
    ["/?stats;csv", { form: "csv" }],
    ["/haproxy?stats;csv", { form: "csv" }],
    ["/stats", {}],
    ["/stats/;csv", { form: "csv" }],
  ])("%s is the page, or what it shows", (target, expected) => {
    expect(route(target, URI)).toEqual({ ...PAGE, ...expected });
  });

  test.each<[string, Route]>([
    ["/metrics", { kind: "metrics", scopes: [], noMaintenance: false }],
    [
      "/metrics?scope=server&scope=backend&no-maint",
      { kind: "metrics", scopes: ["server", "backend"], noMaintenance: true },
    ],
    ["/metrics?scope=", { kind: "metrics", scopes: [""], noMaintenance: false }],
    ["/healthz", { kind: "health", listens: [] }],
    ["/healthz?listen=a&listen=b%20c", { kind: "health", listens: ["a", "b c"] }],
    ["/healthz?listen=", { kind: "health", listens: [] }],
  ])("%s is for programs", (target, expected) => {
    expect(route(target, URI)).toEqual(expected);
    expect(route(target, "/")).toEqual(expected);
  });

  test.each(["/x", "/favicon.ico", "/metricsx", "/healthz/", "/statsx", "/haproxy", "//", "/Stats"])(
    "%s is nothing, or the page where every path is",
    (target) => {
      const expected = target === "/haproxy" ? "stats" : "nothing";
      expect(route(target, URI).kind).toBe(expected);
      expect(route(target, "/").kind).toBe("stats");
    },
  );

  test("that leads back to a page has its options, and they are read as they were", () => {
    const options = { up: true, noMaintenance: true, noRefresh: true, scope: "a b&c", outcome: null };
    const text = optionsText(options);
    expect(text).toBe(";up;no-maint;norefresh?scope=a%20b%26c");
    expect(route(`${URI};st=NONE${text}`, URI)).toEqual({ ...PAGE, ...options, outcome: "NONE" });
  });
});
