import { describe, expect, test } from "bun:test";
import { Level } from "../../src/core/syslogCodes.ts";
import type { Courier, Outcome } from "../../src/notify/delivery.ts";
import { MailQueue } from "../../src/notify/mailQueue.ts";
import { type Mail, mailOf } from "../../src/notify/mailText.ts";
import { SmtpCourier } from "../../src/notify/smtp.ts";
import { FakeClock } from "../support/fakeClock.ts";
import { freePort } from "../support/ports.ts";
import { until } from "../support/until.ts";
import { change } from "./changes.ts";
import { haveMailServer, mailConfig, mailServer } from "./mailServer.ts";
import { talk } from "./smtpTalk.ts";
import { worldWith } from "./world.ts";

const HOUR_MS = 3_600_000;
const ACCEPTED: Outcome = { kind: "accepted", refused: [] };
const REFUSED_CONNECTION: Outcome = { kind: "failed", reason: "connect ECONNREFUSED 127.0.0.1:25" };

function mail(number: number): Mail {
  return { id: `m${number}`, subject: `mail ${number}`, body: "body\n", wallMs: 0 };
}

/** A courier whose attempts end when and how the test says, and that remembers them. */
class HeldCourier implements Courier {
  readonly server = "127.0.0.1:25";
  readonly recipients = ["a@example.com", "b@example.com"];
  readonly attempts: { mail: Mail; to: readonly string[]; signal: AbortSignal }[] = [];
  private end: ((outcome: Outcome) => void) | null = null;

  deliver(mail: Mail, to: readonly string[], signal: AbortSignal): Promise<Outcome> {
    expect(this.end).toBeNull(); // one at a time
    this.attempts.push({ mail, to, signal });
    return new Promise((resolve) => {
      this.end = resolve;
    });
  }

  /** Ends the attempt under way, and lets the queue take note. */
  async ends(outcome: Outcome): Promise<void> {
    const { end } = this;
    if (end === null) throw new Error("no attempt is under way");
    this.end = null;
    end(outcome);
    await Bun.sleep(0);
  }

  get subjects(): string[] {
    return this.attempts.map((attempt) => attempt.mail.subject);
  }
}

function queueWith(courier: Courier = new HeldCourier()) {
  const world = worldWith(new FakeClock());
  return { queue: new MailQueue(courier, world), courier: courier as HeldCourier, world, clock: world.clock };
}

describe("a mail queue", () => {
  test("delivers one at a time, in order, and starts none inside add()", async () => {
    const { queue, courier, clock, world } = queueWith();
    for (const number of [1, 2, 3]) queue.add(mail(number));
    expect(courier.attempts).toEqual([]);
    for (const _ of [1, 2, 3]) {
      clock.pass(0);
      await courier.ends(ACCEPTED);
    }
    expect(courier.subjects).toEqual(["mail 1", "mail 2", "mail 3"]);
    expect(queue.length).toBe(0);
    expect(clock.pendingMs).toEqual([]);
    expect(world.lines).toEqual([]);
  });

  test("tries again after 5 s, then twice as long each time, at most 5 minutes", async () => {
    const { queue, courier, clock } = queueWith();
    queue.add(mail(1));
    clock.pass(0);
    const waits: number[] = [];
    for (let i = 0; i < 9; i++) {
      await courier.ends(REFUSED_CONNECTION);
      const [waitMs = 0] = clock.pendingMs;
      waits.push(waitMs / 1000);
      clock.pass(waitMs);
    }
    expect(waits).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300]);
    await courier.ends(ACCEPTED);
    queue.add(mail(2));
    clock.pass(0);
    await courier.ends(REFUSED_CONNECTION);
    expect(clock.pendingMs).toEqual([5000]);
  });

  test("says once that a server is away, and once that it is back", async () => {
    const { queue, courier, clock, world } = queueWith();
    queue.add(mail(1));
    queue.add(mail(2));
    clock.pass(0);
    for (let i = 0; i < 5; i++) {
      await courier.ends(REFUSED_CONNECTION);
      clock.pass(clock.pendingMs[0] ?? 0);
    }
    await courier.ends(ACCEPTED);
    expect(world.lines).toEqual([
      "mail by 127.0.0.1:25: connect ECONNREFUSED 127.0.0.1:25; 2 mails kept and tried again",
      "mail by 127.0.0.1:25: works again, 1 more wait",
    ]);
    expect(world.levels).toEqual([Level.warning, Level.notice]);
  });

  test("keeps 100 mails and drops the oldest that is not under way", async () => {
    const { queue, courier, clock, world } = queueWith();
    queue.add(mail(1));
    clock.pass(0);
    for (let number = 2; number <= 105; number++) queue.add(mail(number));
    expect(queue.length).toBe(100);
    expect(world.lines).toEqual(["mail by 127.0.0.1:25: 100 mails wait; the oldest are dropped from now on"]);
    await courier.ends(REFUSED_CONNECTION);
    clock.pass(5000);
    while (queue.length > 0) {
      await courier.ends(ACCEPTED);
      clock.pass(0);
    }
    expect(courier.subjects.slice(0, 4)).toEqual(["mail 1", "mail 1", "mail 7", "mail 8"]);
    expect(courier.subjects.at(-1)).toBe("mail 105");
    expect(world.lines.at(-1)).toBe("mail by 127.0.0.1:25: works again, 99 more wait; 5 were given up");
  });

  test("gives up what is older than six hours", async () => {
    const { queue, courier, clock, world } = queueWith();
    queue.add(mail(1));
    clock.pass(0);
    clock.stall(3 * HOUR_MS);
    queue.add(mail(2));
    clock.stall(3 * HOUR_MS);
    await courier.ends(REFUSED_CONNECTION);
    expect(queue.length).toBe(1);
    expect(world.lines.at(-1)).toBe('mail by 127.0.0.1:25: given up after 6 hours: "mail 1"');
    clock.pass(5000);
    expect(courier.subjects).toEqual(["mail 1", "mail 2"]);
    clock.stall(3 * HOUR_MS);
    await courier.ends(REFUSED_CONNECTION);
    expect(queue.length).toBe(0);
    expect(clock.pendingMs).toEqual([]);
  });

  test("loses a mail that is refused for good with a log line, and goes on with the next", async () => {
    const { queue, courier, clock, world } = queueWith();
    queue.add(mail(1));
    queue.add(mail(2));
    clock.pass(0);
    await courier.ends({ kind: "refused", answer: "550 5.7.1 not you" });
    clock.pass(0);
    expect(courier.subjects).toEqual(["mail 1", "mail 2"]);
    expect(world.lines).toEqual(['mail by 127.0.0.1:25: refused for good, "mail 1" is lost: 550 5.7.1 not you']);
    expect(world.levels).toEqual([Level.err]);
  });

  test("tries again for the recipients that were put off, and for them alone", async () => {
    const { queue, courier, clock, world } = queueWith();
    queue.add(mail(1));
    clock.pass(0);
    const later = { recipient: "b@example.com", answer: "450 greylisted", permanent: false };
    const never = { recipient: "a@example.com", answer: "550 who?", permanent: true };
    await courier.ends({ kind: "accepted", refused: [never, later] });
    clock.pass(5000);
    expect(courier.attempts.map(({ to }) => to)).toEqual([["a@example.com", "b@example.com"], ["b@example.com"]]);
    await courier.ends(ACCEPTED);
    expect(queue.length).toBe(0);
    expect(world.lines[0]).toBe("mail by 127.0.0.1:25: refused for a@example.com: 550 who?");
    expect(world.lines[1]).toContain("not yet for b@example.com: 450 greylisted");
  });

  test("goes to a new server at once, with what waited for the old one", async () => {
    const { queue, courier, clock } = queueWith();
    queue.add(mail(1));
    clock.pass(0);
    await courier.ends(REFUSED_CONNECTION);
    const other = new HeldCourier();
    queue.reconfigure(other);
    clock.pass(0);
    expect(other.subjects).toEqual(["mail 1"]);
    await other.ends(ACCEPTED);
    expect(courier.subjects).toEqual(["mail 1"]);
    expect(queue.length).toBe(0);
  });

  test("that loses its server discards what waits, and says how much", async () => {
    const { queue, courier, clock, world } = queueWith();
    queue.add(mail(1));
    queue.add(mail(2));
    clock.pass(0);
    queue.reconfigure(null);
    expect(world.lines).toEqual(["no mail is wanted any more; 2 mails not delivered"]);
    await courier.ends(REFUSED_CONNECTION);
    queue.add(mail(3));
    clock.pass(HOUR_MS);
    expect(courier.attempts).toHaveLength(1);
    expect(queue.length).toBe(0);
  });

  test("tries once more at the stop, without waiting for the next turn", async () => {
    const { queue, courier, clock, world } = queueWith();
    queue.add(mail(1));
    clock.pass(0);
    await courier.ends(REFUSED_CONNECTION);
    queue.add(mail(2));
    const stopped = queue.stop(1000);
    clock.pass(0);
    await courier.ends(ACCEPTED);
    clock.pass(0);
    await courier.ends(ACCEPTED);
    await stopped;
    expect(courier.subjects).toEqual(["mail 1", "mail 1", "mail 2"]);
    expect(world.lines.at(-1)).toContain("works again");
    expect(clock.pendingMs).toEqual([]);
  });

  test("does not wait at the stop for a server that refuses", async () => {
    const { queue, courier, clock, world } = queueWith();
    queue.add(mail(1));
    queue.add(mail(2));
    const stopped = queue.stop(1000);
    clock.pass(0);
    await courier.ends(REFUSED_CONNECTION);
    await stopped;
    expect(world.lines.at(-1)).toBe("mail by 127.0.0.1:25: 2 mails not delivered before the stop");
    expect(clock.pendingMs).toEqual([]);
  });

  test("calls an attempt off when the time of the stop is over", async () => {
    const { queue, courier, clock, world } = queueWith();
    queue.add(mail(1));
    clock.pass(0);
    const stopped = queue.stop(1000);
    clock.pass(1000);
    await stopped;
    expect(courier.attempts[0]?.signal.aborted).toBe(true);
    expect(world.lines.at(-1)).toBe("mail by 127.0.0.1:25: 1 mail not delivered before the stop");
    await courier.ends({ kind: "failed", reason: "called off" });
    expect(clock.pendingMs).toEqual([]);
    expect(world.lines).toHaveLength(1);
  });

  test("with nothing to deliver stops at once", async () => {
    const { queue, clock } = queueWith();
    await queue.stop(1000);
    expect(clock.pendingMs).toEqual([]);
  });
});

describe.skipIf(!haveMailServer)("a mail queue with a real server", () => {
  test("delivers in order once the server that refused connections is up", async () => {
    const port = freePort();
    const { queue, world, clock } = queueWith(new SmtpCourier(mailConfig(port)));
    for (const state of ["BACKUP", "MASTER", "FAULT"] as const) queue.add(mailOf(change(state), "lb01"));
    clock.pass(0);
    await until("a refused connection", () => world.lines.length === 1);
    expect(world.lines[0]).toContain("ECONNREFUSED");
    const server = await mailServer(port);
    clock.pass(5000);
    await until("three mails", () => {
      clock.pass(0);
      return server.received().length === 3;
    });
    expect(server.received().map(({ headers }) => headers.Subject)).toEqual([
      "[lb01] VRRP Instance VI_1 - Entering BACKUP state",
      "[lb01] VRRP Instance VI_1 - Entering MASTER state",
      "[lb01] VRRP Instance VI_1 - Entering FAULT state",
    ]);
  });

  test("gets its Stopping mail out before it stops", async () => {
    const port = freePort();
    const server = await mailServer(port);
    const { queue, clock } = queueWith(new SmtpCourier(mailConfig(port)));
    queue.add(mailOf(change("STOP"), "lb01"));
    const stopped = queue.stop(1000);
    clock.pass(0);
    await stopped;
    expect(server.received().map(({ headers }) => headers.Subject)).toEqual(["[lb01] VRRP Instance VI_1 - Stopping"]);
  });
});

test("a server that hangs after the connect is tried again", async () => {
  const { queue, world, clock } = queueWith(new SmtpCourier(mailConfig(talk([]), { connectTimeoutMs: 100 })));
  queue.add(mailOf(change("MASTER"), "lb01"));
  clock.pass(0);
  await until("the timeout", () => world.lines.length === 1);
  expect(world.lines[0]).toContain("no answer within 0.1 s; 1 mail kept and tried again");
  expect(clock.pendingMs).toEqual([5000]);
});
