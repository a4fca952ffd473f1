import { describe, expect, test } from "bun:test";
import type { GlobalConfig } from "../../src/config/schema.ts";
import { findGroup, findUser } from "../../src/net/accounts.ts";
import { chooseAccount } from "../../src/supervisor/account.ts";

const choose = (wanted: Partial<Pick<GlobalConfig, "user" | "group">>, uid: number) =>
  chooseAccount({ user: null, group: null, ...wanted } as GlobalConfig, uid);

const daemon = findUser("daemon");
const nobody = findUser("nobody");

describe("the account of the proxy process, started as root,", () => {
  test("is the configured user with its own group", () => {
    expect(choose({ user: "daemon" }, 0)).toEqual({ account: daemon, warning: null });
  });

  test("is the configured user in the configured group", () => {
    const { account } = choose({ user: "daemon", group: "mail" }, 0);
    expect(account).toEqual({ name: "daemon", uid: daemon?.uid ?? -1, gid: findGroup("mail") ?? -1 });
  });

  test("may be given by numbers, whether an account has them or not", () => {
    expect(choose({ user: daemon?.uid ?? -1 }, 0).account).toEqual(daemon);
    expect(choose({ user: 54_321 }, 0).account).toEqual({ name: null, uid: 54_321, gid: 54_321 });
    expect(choose({ user: 54_321, group: 7 }, 0).account).toEqual({ name: null, uid: 54_321, gid: 7 });
  });

  test("is nobody when none is configured, with a warning; a group alone is kept", () => {
    expect(choose({}, 0).account).toEqual(nobody);
    expect(choose({}, 0).warning).toContain('runs as "nobody"');
    expect(choose({ group: "mail" }, 0).account).toMatchObject({ name: "nobody", gid: findGroup("mail") });
  });

  test.each([
    [{ user: "no-such-user" }, "useradd --system --no-create-home no-such-user"],
    [{ user: "daemon", group: "no-such-group" }, "groupadd --system no-such-group"],
  ])("is refused when it does not exist, with the command that makes it: %p", (wanted, remedy) => {
    expect(() => choose(wanted, 0)).toThrow(remedy);
  });
});

describe("the account of the proxy process, started by an ordinary user,", () => {
  test("stays that user's, silently when nothing else was asked for", () => {
    expect(choose({}, 1000)).toEqual({ account: null, warning: null });
  });

  test("stays that user's, silently when that is who was asked for, by name or number", () => {
    if (nobody === null) throw new Error("no nobody here");
    for (const user of ["nobody", nobody.uid]) {
      expect(choose({ user, group: "mail" }, nobody.uid)).toEqual({ account: null, warning: null });
    }
  });

  test("stays that user's, and what was asked for is said to be ignored", () => {
    for (const wanted of [{ user: "daemon" }, { group: "mail" }, { user: "no-such-user" }]) {
      const { account, warning } = choose(wanted, 1000);
      expect(account).toBeNull();
      expect(warning).toContain("only root can change to another account (we are uid 1000)");
    }
  });
});
