import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { NodemailerError, SMTPSentMessageInfo } from "nodemailer";
import type { VrrpMailConfig } from "../config/schema.ts";
import { formatEndpoint } from "../core/endpoint.ts";
import { printable } from "../log/text.ts";
import type { Courier, Outcome, Refusal } from "./delivery.ts";
import type { Mail } from "./mailText.ts";

/** Greeting, EHLO, STARTTLS, EHLO, MAIL, DATA, the message's end, and one to spare; RCPT comes once a recipient. */
const REPLIES = 8;
/** What the server answers here is about the mail; a refusal anywhere else is about us, or about the server's day. */
const ABOUT_THE_MAIL: ReadonlySet<string | undefined> = new Set(["MAIL FROM", "RCPT TO", "DATA"]);

/**
 * Loads the mail library, which takes the event loop some 15 ms the first time; {@link SmtpCourier.deliver} does it otherwise.
 * It is loaded apart because commands that send no mail should not pay for it.
 */
export async function loadMailLibrary(): Promise<typeof import("nodemailer")> {
  return import("nodemailer");
}

/**
 * Delivers by SMTP (RFC 5321), one connection a mail, as keepalived's `smtp_alert` does. TLS is used where the server offers
 * it (RFC 3207), whatever its certificate: without a name to expect and a wish to fail, a stranger's certificate is no worse
 * than the plain text it replaces.
 */
export class SmtpCourier implements Courier {
  readonly server: string;
  readonly recipients: readonly string[];

  /** @param resolve all addresses of a name, best first; rejects when it has none */
  constructor(
    private readonly config: VrrpMailConfig,
    private readonly resolve: (name: string) => Promise<string[]> = systemAddresses,
  ) {
    this.server = formatEndpoint({ kind: "tcp", host: config.smtpHost, port: config.smtpPort });
    this.recipients = config.to;
  }

  async deliver(mail: Mail, to: readonly string[], signal: AbortSignal): Promise<Outcome> {
    const { connectTimeoutMs } = this.config;
    // A server that sends a byte now and then keeps each wait within its bounds, but not all of them.
    const longestMs = (REPLIES + to.length) * connectTimeoutMs;
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(longestMs)]);
      return await this.tryAddresses(await this.addresses(), mail, to, limit);
    } catch (failure) {
      return this.failed(failure as NodemailerError);
    }
  }

  /** Tries one address after the other as long as none can be connected to: "localhost" has two, and often one listener. */
  private async tryAddresses(
    addresses: readonly string[],
    mail: Mail,
    to: readonly string[],
    signal: AbortSignal,
  ): Promise<Outcome> {
    for (const [i, address] of addresses.entries()) {
      try {
        return accepted(await this.send(address, mail, to, signal));
      } catch (failure) {
        const { code } = failure as NodemailerError;
        if (code !== "ESOCKET" || i === addresses.length - 1) throw failure;
      }
    }
    return { kind: "failed", reason: `${this.config.smtpHost} has no address` };
  }

  private async send(
    address: string,
    mail: Mail,
    to: readonly string[],
    signal: AbortSignal,
  ): Promise<SMTPSentMessageInfo> {
    const { from, smtpHost, smtpPort, connectTimeoutMs } = this.config;
    const { createTransport } = await loadMailLibrary();
    const transport = createTransport({
      host: address,
      port: smtpPort,
      secure: false,
      opportunisticTLS: true,
      tls: { rejectUnauthorized: false, ...(isIP(smtpHost) === 0 && { servername: smtpHost }) },
      connectionTimeout: connectTimeoutMs,
      greetingTimeout: connectTimeoutMs,
      socketTimeout: connectTimeoutMs,
      socketCloseTimeout: connectTimeoutMs,
    });
    return transport.sendMail({
      messageId: `<${mail.id}@${from.slice(from.lastIndexOf("@") + 1)}>`,
      date: new Date(mail.wallMs),
      from,
      to: [...this.recipients],
      subject: mail.subject,
      text: mail.body,
      xMailer: "haproxy-lite",
      // Who has it already need not get it again, but still stands in its header.
      envelope: { from, to: [...to] },
      signal,
    });
  }

  private async addresses(): Promise<string[]> {
    const { smtpHost, connectTimeoutMs } = this.config;
    if (isIP(smtpHost) !== 0) return [smtpHost];
    const tooLate = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => tooLate.reject(new Error(`no address of ${smtpHost} within ${connectTimeoutMs / 1000} s`)),
      connectTimeoutMs,
    );
    try {
      return await Promise.race([this.resolve(smtpHost), tooLate.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  private failed(failure: NodemailerError): Outcome {
    const seconds = this.config.connectTimeoutMs / 1000;
    if (failure.permanent === true && ABOUT_THE_MAIL.has(failure.command)) {
      return { kind: "refused", answer: printable(failure.response ?? failure.message) };
    }
    if (failure.code === "EABORT") return { kind: "failed", reason: "the server did not come to an end" };
    if (failure.code !== "ETIMEDOUT") return { kind: "failed", reason: printable(failure.message) };
    const what = failure.timeoutType === "CONNECT_TIMEOUT" ? "connection" : "answer";
    return { kind: "failed", reason: `no ${what} within ${seconds} s` };
  }
}

// The system's resolver, /etc/hosts included; the library has one of its own, which asks DNS first and remembers for long.
async function systemAddresses(name: string): Promise<string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address);
}

function accepted({ rejectedErrors = [] }: SMTPSentMessageInfo): Outcome {
  return {
    kind: "accepted",
    refused: rejectedErrors.map(
      ({ recipient = "", response, message, permanent }): Refusal => ({
        recipient,
        answer: printable(response ?? message),
        permanent: permanent === true,
      }),
    ),
  };
}
