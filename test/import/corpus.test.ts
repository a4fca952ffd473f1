import { describe, expect, test } from "bun:test";
import { importFiles } from "../../src/import/importFiles.ts";
import { CORPUS, corpus, problems, WORLD } from "./importing.ts";

/** Files whose proxies nobody can reach: there is nothing to serve in them. */
const NOTHING_TO_DO = new Set(["fixture-checks.cfg", "fixture-checks_real_servers.cfg"]);

describe("every file of the corpus", () => {
  for (const file of CORPUS) {
    describe(file.path, () => {
      const result = importFiles([file], WORLD);
      test("is accounted for line by line", () => {
        const count = file.text.replace(/\n$/, "").split("\n").length;
        expect(result.lines.length).toBe(count);
        const silent = result.lines.filter(({ fate, text }) => fate === "blank" && text.trim() !== "");
        expect(silent.map(({ number, text }) => `${number}: ${text}`)).toEqual([]);
      });
      test("has a finding wherever a line of its own is left out", () => {
        const found = new Set(result.findings.map(({ line }) => line));
        const unexplained = result.lines.filter(
          ({ fate, number, text }) => fate === "left out" && !found.has(number) && !/^\s*[#!}]/.test(text),
        );
        // Lines within a section or a block that is left out as a whole have its finding.
        for (const { number } of unexplained) expect([...found].some((line) => line < number)).toBe(true);
      });
      test("becomes a file that validates, and the same one twice", () => {
        const errors = problems(result.toml).filter(({ severity }) => severity === "error");
        const messages = errors.map(({ message }) => message);
        expect(messages.filter((message) => !message.startsWith("nothing to do"))).toEqual([]);
        expect(messages.length > 0).toBe(NOTHING_TO_DO.has(file.path));
        expect(importFiles([file], WORLD).toml).toBe(result.toml);
      });
      test("keeps its comments, unless what they belong to is left out", () => {
        const carried = result.lines.filter(({ fate, text }) => fate === "carried" && /^\s*[#!]\s*\S/.test(text));
        for (const { text } of carried)
          expect(result.toml).toContain(
            text
              .trim()
              .replace(/^[#!]\s?/, "")
              .trimEnd(),
          );
      });
    });
  }

  test("holds at least 25 files written for it", () => {
    const own = CORPUS.filter(({ path }) => path.endsWith(".cfg") && !path.startsWith("fixture-"));
    expect(own.length).toBeGreaterThanOrEqual(25);
  });
});

describe("what cannot be carried over", () => {
  const traffic = (path: string) =>
    importFiles([corpus(path)], WORLD)
      .findings.filter(({ carriesTraffic }) => carriesTraffic)
      .map(({ line, text }) => `${line} ${text}`);

  test("HTTP proxies are named, and TCP ones beside them carried over", () => {
    const result = importFiles([corpus("http.cfg")], WORLD);
    expect(traffic("http.cfg")).toEqual([
      "12 frontend web",
      "17 use_backend api if is_api",
      "19 backend api",
      "21 backend pages",
    ]);
    expect(result.toml).toContain("[listen.sql]");
    expect(result.toml).not.toContain("[listen.web]");
  });

  test("rules, PROXY headers of clients, TLS to servers and templates are named one by one", () => {
    expect(traffic("rules.cfg")).toEqual([
      "8 listen only_there",
      "9 bind :1",
      "13 bind :8444 accept-proxy",
      "16 tcp-request connection reject if { src 192.0.2.0/24 }",
      "17 use_backend bk_%[req.ssl_sni] if { req.ssl_sni -m found }",
      "18 use_backend special if { req.ssl_sni -i special.example.com }",
      "20 backend special",
      "28 source 10.0.0.5 usesrc clientip",
      "32 server c 10.0.0.3:443 ssl verify none check",
      "34 server-template web 1-5 web.example.com:443 check",
    ]);
  });

  test("nothing is lost of files without any of it", () => {
    for (const path of ["roundrobin.cfg", "weights.cfg", "joined.cfg", "old.cfg", "quoting.cfg", "fixture-stand.cfg"]) {
      expect(traffic(path)).toEqual([]);
    }
  });
});
