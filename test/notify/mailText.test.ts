import { expect, test } from "bun:test";
import { mailOf } from "../../src/notify/mailText.ts";
import { change } from "./changes.ts";

// Words of keepalived 2.2.7, as its mails and its program text have them.
test.each([
  ["MASTER", "Entering MASTER state", "=> VRRP Instance is now owning VRRP VIPs <="],
  ["BACKUP", "Entering BACKUP state", "=> VRRP Instance is no longer owning VRRP VIPs <="],
  ["FAULT", "Entering FAULT state", "=> VRRP Instance is no longer owning VRRP VIPs <="],
  ["STOP", "Stopping", "=> VRRP Instance stopping <="],
  ["DELETED", "Deleted", "=> VRRP Deleted at reload <="],
] as const)("a mail about an instance that is %s has keepalived's subject and first line", (state, occasion, first) => {
  const mail = mailOf(change(state), "lb01");
  expect(mail.subject).toBe(`[lb01] VRRP Instance VI_1 - ${occasion}`);
  expect(mail.body.split("\n")[0]).toBe(first);
});

test.each([
  ["MASTER", "Entering MASTER state", "=> All VRRP group instances are now in MASTER state <="],
  ["BACKUP", "Entering BACKUP state", "=> All VRRP group instances are now in BACKUP state <="],
  ["FAULT", "Entering FAULT state", "=> All VRRP group instances are now in FAULT state <="],
  ["STOP", "Stopping", "=> All VRRP group instances are now stopping <="],
  ["DELETED", "Deleted", "=> VRRP Deleted at reload <="],
] as const)("a mail about a group that is %s has keepalived's subject and first line", (state, occasion, first) => {
  const mail = mailOf(change(state, { kind: "GROUP", instance: "G1", priority: 0 }), "lb01");
  expect(mail.subject).toBe(`[lb01] VRRP Group G1 - ${occasion}`);
  expect(mail.body.split("\n")[0]).toBe(first);
  expect(mail.body).not.toContain("Priority");
});

test("a mail says why, and with which priority", () => {
  expect(mailOf(change("MASTER"), "lb01").body).toBe(
    [
      "=> VRRP Instance is now owning VRRP VIPs <=",
      "",
      "Cause: no advert from 192.0.2.1 (priority 101) for 3.61 s",
      "Priority: 101",
      "",
    ].join("\n"),
  );
});

test("a cause cannot add lines to a mail", () => {
  expect(mailOf(change("FAULT", { cause: "script said\r\nBcc: x@example.com" }), "lb01").body).toContain(
    "Cause: script said#0D#0ABcc: x@example.com\n",
  );
});

test("the Message-ID of a mail is the same whenever it is made, and fit for a header", () => {
  const id = mailOf(change("MASTER", { instance: "VI:1.a" }), "lb 01<x>").id;
  expect(id).toBe("lb-01-x-.VI-1-a.MASTER.1795363205250");
  expect(mailOf(change("BACKUP"), "lb01").id).not.toBe(mailOf(change("MASTER"), "lb01").id);
});
