import { parseEndpoint } from "../core/endpoint.ts";
import { duration, oneOrMany, table, text, word } from "./keys.ts";
import type { Reading } from "./units.ts";

const HOUR_MS = 3_600_000;

const mailAddress = (help: string) =>
  word(
    /^[^\s\p{Cc}<>,;@]{1,64}@[A-Za-z0-9._[\]:-]{1,190}$/u,
    { values: "a mail address", example: '"ops@example.com"', problem: "is not a mail address" },
    help,
  );

/** [vrrp.mail]. */
export const mailSchema = table(
  {
    to: oneOrMany(mailAddress("A recipient."), "Who gets the mails: one address or a list.", '"ops@example.com"'),
    from: mailAddress("Sender."),
    smtp_server: text(
      (raw): Reading<{ readonly host: string; readonly port: number }> => {
        const parsed = parseEndpoint(raw, { wildcard: false, names: true, defaultPort: 25 });
        if (!parsed.ok) return parsed;
        return parsed.endpoint.kind === "tcp"
          ? { ok: true, value: { host: parsed.endpoint.host, port: parsed.endpoint.port } }
          : { ok: false, problem: "is not a mail server", hint: 'write "IP:PORT" or "NAME:PORT"' };
      },
      { values: '"IP:PORT", "NAME:PORT" (port 25 when left out)', example: '"127.0.0.1:25"' },
      "The mail server.",
    ).prefault("127.0.0.1:25"),
    smtp_connect_timeout: duration("Longest wait for the connection and for each answer.", 1000, HOUR_MS).prefault(
      "30s",
    ),
  },
  "How mail on state changes is sent.",
).transform((raw) => ({
  to: raw.to,
  from: raw.from,
  smtpHost: raw.smtp_server.host,
  smtpPort: raw.smtp_server.port,
  connectTimeoutMs: raw.smtp_connect_timeout,
}));
