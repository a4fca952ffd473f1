import { describe, expect, test } from "bun:test";
import { isForeign, isOwnName, noticeOf, OUTCOMES, outcomeOf, readWish } from "../../src/web/actions.ts";
import { csrfToken, isToken, userOf } from "../../src/web/credentials.ts";

const SECRET = new Uint8Array(32).fill(7);
const KNOWN = [
  { user: "admin", password: "s3cret:with:colons" },
  { user: "ünï", password: "pässwörd" },
];
const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

describe("a user", () => {
  test.each<[string, string | undefined, string | null]>([
    ["the right password", basic("admin:s3cret:with:colons"), "admin"],
    ["a scheme in small letters", basic("admin:s3cret:with:colons").replace("Basic", "basic"), "admin"],
    ["letters of other languages", basic("ünï:pässwörd"), "ünï"],
    ["a wrong password", basic("admin:secret"), null],
    ["another's password", basic("admin:pässwörd"), null],
    ["an empty password", basic("admin:"), null],
    ["a part of the password", basic("admin:s3cret:with:colon"), null],
    ["nothing", undefined, null],
    ["another scheme", "Bearer YWRtaW46", null],
    ["no base64", "Basic ????", null],
    ["nothing behind the scheme", "Basic ", null],
  ])("with %s", (_what, header, expected) => {
    expect(userOf(header, KNOWN, SECRET)).toBe(expected);
  });
});

describe("a token", () => {
  test("is good for its user and its process alone", () => {
    const token = csrfToken("admin", SECRET);
    expect(isToken(token, "admin", SECRET)).toBeTrue();
    expect(isToken(token, "other", SECRET)).toBeFalse();
    expect(isToken(token, "admin", new Uint8Array(32).fill(8))).toBeFalse();
    expect(isToken(`${token.slice(0, -1)}x`, "admin", SECRET)).toBeFalse();
    expect(isToken("", "admin", SECRET)).toBeFalse();
  });
});

describe("a form", () => {
  const servers = (listen: string) => (listen === "web" ? ["s1", "s2", "s 3"] : null);
  const wish = (text: string) => readWish(new URLSearchParams(text), servers);

  test.each<[string, string]>([
    ["ready", "set server web/s1 state ready"],
    ["drain", "set server web/s1 state drain"],
    ["maint", "set server web/s1 state maint"],
    ["shutdown", "shutdown sessions server web/s1"],
    ["dhlth", "disable health web/s1"],
    ["ehlth", "enable health web/s1"],
    ["hrunn", "set server web/s1 health up"],
    ["hnolb", "set server web/s1 health stopping"],
    ["hdown", "set server web/s1 health down"],
  ])("with action=%s means %s", (action, command) => {
    expect(wish(`b=web&s=s1&action=${action}`)).toEqual({ commands: [command.split(" ")] });
  });

  test("means each server once", () => {
    expect(wish("s=s1&s=s2&s=s1&s=s+3&b=web&action=drain")).toEqual({
      commands: ["web/s1", "web/s2", "web/s 3"].map((server) => ["set", "server", server, "state", "drain"]),
    });
  });

  test.each<[string, string, string]>([
    ["no server", "b=web&action=drain", "NONE"],
    ["a server that is not there", "b=web&s=s1&s=x&action=drain", "ERRP"],
    ["a server that would be another command", "b=web&s=s1+state+maint;quit&action=drain", "ERRP"],
    ["a listen that is not there", "b=x&s=s1&action=drain", "ERRP"],
    ["no listen", "s=s1&action=drain", "ERRP"],
    ["an action that is not there", "b=web&s=s1&action=explode", "ERRP"],
    ["an action of every object", "b=web&s=s1&action=constructor", "ERRP"],
    ["nothing at all", "", "ERRP"],
    ["too many servers", `b=web&action=drain${Array.from({ length: 1001 }, (_, i) => `&s=${i}`).join("")}`, "EXCD"],
  ])("with %s means nothing", (_what, text, outcome) => {
    expect(wish(text)).toEqual({ outcome } as ReturnType<typeof wish>);
  });

  test("has come to what its commands have said", () => {
    expect(outcomeOf(["", "\n"])).toBe("DONE");
    expect(outcomeOf(["", "No such server."])).toBe("PART");
    expect(outcomeOf(["No such server.", "Permission denied"])).toBe("ERRP");
  });

  test("leads to a page that says so, in words that are known", () => {
    expect(noticeOf("DONE")).toEqual(OUTCOMES.DONE);
    expect(noticeOf("NOPE")).toBeNull();
    expect(noticeOf("constructor")).toBeNull();
    expect(noticeOf(null)).toBeNull();
  });
});

describe("a request's origin", () => {
  const host = "lb01:8404";
  test.each<[string, Parameters<typeof isForeign>[0], boolean]>([
    ["curl's, which says nothing", { host, origin: undefined, fetchSite: undefined }, false],
    ["the page's", { host, origin: "http://lb01:8404", fetchSite: "same-origin" }, false],
    ["the page's behind a proxy that speaks TLS", { host, origin: "https://LB01:8404", fetchSite: undefined }, false],
    ["typed by the user", { host, origin: undefined, fetchSite: "none" }, false],
    ["another site's", { host, origin: "http://evil.example", fetchSite: "cross-site" }, true],
    ["another port's", { host, origin: "http://lb01:8405", fetchSite: "same-site" }, true],
    ["another site's, in an old browser", { host, origin: "http://evil.example", fetchSite: undefined }, true],
    ["hidden", { host, origin: "null", fetchSite: undefined }, true],
    ["one without a host", { host: undefined, origin: "http://lb01:8404", fetchSite: undefined }, true],
  ])("%s", (_what, origin, foreign) => {
    expect(isForeign(origin)).toBe(foreign);
  });

  test.each<[string | undefined, boolean]>([
    ["127.0.0.1:8404", true],
    ["192.0.2.1", true],
    ["[2001:db8::1]:8404", true],
    ["localhost:8404", true],
    ["lb01:8404", true],
    ["LB01.example.com", true],
    ["lb01.evil.example", false],
    ["lb01.example.com.evil.example", false],
    ["evil.example:8404", false],
    ["xlb01", false],
    ["", false],
    [undefined, false],
  ])("Host %p can be nobody's but ours: %p", (name, own) => {
    expect(isOwnName(name, "lb01.example.com")).toBe(own);
  });
});
