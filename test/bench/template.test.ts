import { expect, test } from "bun:test";
import { fillTemplate } from "./template.ts";

test("every place of a name is filled", () => {
  expect(fillTemplate("bind a:@PORT@,b:@PORT@ @THREADS@", { PORT: 1, THREADS: "two" })).toBe("bind a:1,b:1 two");
});

test("a value is taken as it is, even when it looks like a place", () =>
  expect(fillTemplate("@A@", { A: "$& @B@" })).toBe("$& @B@"));

test("a place without a value is an error", () =>
  expect(() => fillTemplate("@PORT@", {})).toThrow("no value for @PORT@"));

test("a value without a place is an error", () =>
  expect(() => fillTemplate("x", { PORT: 1 })).toThrow("no place for PORT"));

test("both HAProxy configurations have the same listens, binds and servers", async () => {
  const traffic = async (name: string): Promise<string[]> => {
    const text = await Bun.file(`${import.meta.dir}/${name}`).text();
    return text.split("\n").filter((line) => /^listen|^ {2}(bind|server|log|option tcplog|timeout|mode) /.test(line));
  };
  expect(await traffic("haproxy.cfg")).toContain("listen bench_bulk");
  expect(await traffic("haproxy-tuned.cfg")).toEqual(await traffic("haproxy.cfg"));
});
