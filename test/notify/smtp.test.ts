import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { mailOf } from "../../src/notify/mailText.ts";
import { SmtpCourier } from "../../src/notify/smtp.ts";
import { freePort } from "../support/ports.ts";
import { runOk } from "../support/process.ts";
import { tmpDir } from "../support/tmp.ts";
import { tool } from "../support/tools.ts";
import { change } from "./changes.ts";
import { haveMailServer, mailConfig, mailServer } from "./mailServer.ts";
import { talk } from "./smtpTalk.ts";

const mail = mailOf(change("MASTER"), "lb01");
const never = new AbortController().signal;

describe.skipIf(!haveMailServer)("a real mail server", () => {
  test("gets one mail for all recipients, with the date of the event and keepalived's subject", async () => {
    const port = freePort();
    const server = await mailServer(port);
    const courier = new SmtpCourier(mailConfig(port));
    expect(await courier.deliver(mail, courier.recipients, never)).toEqual({ kind: "accepted", refused: [] });
    const [received, ...more] = server.received();
    expect(more).toEqual([]);
    expect(received?.headers).toMatchObject({
      From: "lb01@example.com",
      To: "ops@example.com, night@example.com",
      Subject: "[lb01] VRRP Instance VI_1 - Entering MASTER state",
      Date: "Sun, 22 Nov 2026 16:00:05 +0000",
      "X-Mailer": "haproxy-lite",
      "Message-ID": `<${mail.id}@example.com>`,
      "X-MailFrom": "lb01@example.com",
      "X-RcptTo": "ops@example.com, night@example.com",
    });
    expect(received?.body).toBe(mail.body);
  });

  test("is reached by name", async () => {
    const port = freePort();
    const server = await mailServer(port);
    const courier = new SmtpCourier(mailConfig(port, { smtpHost: "localhost" }));
    expect(await courier.deliver(mail, courier.recipients, never)).toEqual({ kind: "accepted", refused: [] });
    expect(server.received()).toHaveLength(1);
  });

  test.skipIf(tool("openssl") === null)(
    "that insists on STARTTLS with its own certificate gets the mail by TLS",
    async () => {
      const [port, directory] = [freePort(), tmpDir()];
      const [key, cert] = [join(directory, "key"), join(directory, "cert")];
      const subject = ["-subj", "/CN=mail.example.com", "-days", "1"];
      await runOk([
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        key,
        "-out",
        cert,
        ...subject,
      ]);
      const server = await mailServer(port, "--tlscert", cert, "--tlskey", key);
      const courier = new SmtpCourier(mailConfig(port));
      expect(await courier.deliver(mail, courier.recipients, never)).toEqual({ kind: "accepted", refused: [] });
      expect(server.received()).toHaveLength(1);
    },
  );
});

test("a name leads to the server, whichever of its addresses that listens on", async () => {
  const port = talk(["220 mail", "250 mail", "250 ok", "250 ok", "250 ok", "354 go", "250 ok"]);
  const asked: string[] = [];
  const courier = new SmtpCourier(mailConfig(port, { smtpHost: "localhost" }), async (name) => {
    asked.push(name);
    return ["127.0.0.3", "127.0.0.2", "127.0.0.1"];
  });
  expect(await courier.deliver(mail, courier.recipients, never)).toEqual({ kind: "accepted", refused: [] });
  expect(asked).toEqual(["localhost"]);
});

test("a resolver that does not answer is given up after the timeout", async () => {
  const config = mailConfig(25, { smtpHost: "mail.example.com", connectTimeoutMs: 100 });
  const courier = new SmtpCourier(config, () => new Promise(() => {}));
  expect(await courier.deliver(mail, courier.recipients, never)).toEqual({
    kind: "failed",
    reason: "no address of mail.example.com within 0.1 s",
  });
});

test("a server that refuses connections is a failure that passes", async () => {
  const port = freePort();
  const courier = new SmtpCourier(mailConfig(port));
  expect(await courier.deliver(mail, courier.recipients, never)).toEqual({
    kind: "failed",
    reason: `connect ECONNREFUSED 127.0.0.1:${port}`,
  });
});

test("a name without an address is a failure that passes", async () => {
  const courier = new SmtpCourier(mailConfig(25, { smtpHost: "no-such-host.invalid" }));
  expect(await courier.deliver(mail, courier.recipients, never)).toEqual({
    kind: "failed",
    reason: expect.stringMatching(/getaddrinfo|no address/),
  });
});

test.each([
  ["never greets", []],
  ["greets and then hangs", ["220 mail"]],
  ["hangs at the sender", ["220 mail", "250 mail"]],
  ["hangs at a recipient", ["220 mail", "250 mail", "250 ok"]],
  ["hangs after the message", ["220 mail", "250 mail", "250 ok", "250 ok", "250 ok", "354 go", null]],
])("a server that %s is given up after the timeout", async (_, answers) => {
  const port = talk(answers);
  const courier = new SmtpCourier(mailConfig(port, { connectTimeoutMs: 200 }));
  expect(await courier.deliver(mail, courier.recipients, never)).toEqual({
    kind: "failed",
    reason: "no answer within 0.2 s",
  });
});

test("a server that sends a byte now and then is given up in bounded time", async () => {
  const port = talk(["220 mail", "250 mail", { dripEveryMs: 10 }]);
  const courier = new SmtpCourier(mailConfig(port, { connectTimeoutMs: 100 }));
  expect(await courier.deliver(mail, courier.recipients, never)).toEqual({
    kind: "failed",
    reason: "the server did not come to an end",
  });
});

test("an attempt ends when it is called off", async () => {
  const courier = new SmtpCourier(mailConfig(talk([]), { connectTimeoutMs: 60_000 }));
  const calledOff = new AbortController();
  const outcome = courier.deliver(mail, courier.recipients, calledOff.signal);
  calledOff.abort();
  expect(await outcome).toMatchObject({ kind: "failed" });
});

test("a sender or all recipients refused with 5xx loses the mail, being put off with 4xx does not", async () => {
  const refusing = new SmtpCourier(mailConfig(talk(["220 mail", "250 mail", "550 5.7.1 not you"])));
  expect(await refusing.deliver(mail, refusing.recipients, never)).toEqual({
    kind: "refused",
    answer: "550 5.7.1 not you",
  });
  const nobody = ["220 mail", "250 mail", "250 ok", "550 5.1.1 who?", "550 5.1.1 who?"];
  const unknown = new SmtpCourier(mailConfig(talk(nobody)));
  expect(await unknown.deliver(mail, unknown.recipients, never)).toEqual({
    kind: "refused",
    answer: "550 5.1.1 who?",
  });
  const busy = new SmtpCourier(mailConfig(talk(["220 mail", "250 mail", "451 4.3.0 not now"])));
  expect(await busy.deliver(mail, busy.recipients, never)).toEqual({
    kind: "failed",
    reason: expect.stringContaining("451 4.3.0 not now"),
  });
});

test("a server that greets with 554 has a bad day, and the mail waits", async () => {
  const courier = new SmtpCourier(mailConfig(talk(["554 no service"])));
  expect(await courier.deliver(mail, courier.recipients, never)).toEqual({
    kind: "failed",
    reason: expect.stringContaining("554 no service"),
  });
});

test("recipients that the server does not take are told apart: for good, and for now", async () => {
  const dialogue = [
    "220 mail",
    "250 mail",
    "250 ok",
    "250 ok",
    "450 4.7.1 greylisted",
    "550 5.1.1 who?",
    "354 go",
    "250 ok",
  ];
  const recipients = ["a@example.com", "b@example.com", "c@example.com"];
  const courier = new SmtpCourier(mailConfig(talk(dialogue), { to: recipients }));
  expect(await courier.deliver(mail, recipients, never)).toEqual({
    kind: "accepted",
    refused: [
      { recipient: "b@example.com", answer: "450 4.7.1 greylisted", permanent: false },
      { recipient: "c@example.com", answer: "550 5.1.1 who?", permanent: true },
    ],
  });
});
