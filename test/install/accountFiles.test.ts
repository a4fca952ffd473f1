import { describe, expect, test } from "bun:test";
import { GROUP, idOf, PASSWD, withAccount, withoutAccount } from "../../src/install/accountFiles.ts";

const WISH = { name: "svc", home: "/var/lib/svc", shell: "/sbin/nologin" };
const FULL = new Map([
  [PASSWD, "root:x:0:0:root:/root:/bin/bash\nother:x:999:998::/:/bin/false"],
  [GROUP, "root:x:0:\nother:x:998:\n"],
  ["/etc/shadow", "root:*:1::::::\n"],
  ["/etc/gshadow", "root:*::\n"],
]);

describe("an account in the files of a tree", () => {
  test("gets the highest system id that neither users nor groups have", () => {
    const changed = withAccount(FULL, WISH);
    expect(changed.get(PASSWD)).toEndWith("/bin/false\nsvc:x:997:997:svc:/var/lib/svc:/sbin/nologin\n");
    expect(changed.get(GROUP)).toBe("root:x:0:\nother:x:998:\nsvc:x:997:\n");
    expect(changed.get("/etc/shadow")).toBe("root:*:1::::::\nsvc:!!:::::::\n");
    expect(changed.get("/etc/gshadow")).toBe("root:*::\nsvc:!::\n");
  });

  test("gets no shadow entry where there are no shadow files", () => {
    expect([...withAccount(new Map(), WISH).keys()].sort()).toEqual([GROUP, PASSWD]);
  });

  test("keeps the group that is there", () => {
    const changed = withAccount(new Map([[GROUP, "svc:x:300:\n"]]), WISH);
    expect(changed.get(PASSWD)).toContain("svc:x:999:300:");
    expect(changed.has(GROUP)).toBe(false);
  });

  test("leaves the files as they were when it goes", () => {
    const before = new Map(FULL).set(PASSWD, `${FULL.get(PASSWD)}\n`);
    const after = new Map([...before, ...withAccount(before, WISH)]);
    const back = withoutAccount(after, "svc", { user: true, group: true });
    expect(new Map([...after, ...back])).toEqual(before);
  });

  test("goes in part when the group was there before", () => {
    const texts = new Map([
      [PASSWD, "svc:x:1:2::/:/\n"],
      [GROUP, "svc:x:2:\n"],
    ]);
    expect([...withoutAccount(texts, "svc", { user: true, group: false }).keys()]).toEqual([PASSWD]);
  });
});

test("an id is that of the whole name", () => {
  expect(idOf("svc2:x:5:5\nsvc:x:6:6\n", "svc")).toBe(6);
  expect(idOf("svc2:x:5:5\n", "svc")).toBeNull();
  expect(idOf(undefined, "svc")).toBeNull();
});
