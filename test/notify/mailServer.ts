import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { VrrpMailConfig } from "../../src/config/schema.ts";
import { type Running, start } from "../support/process.ts";
import { tmpDir } from "../support/tmp.ts";
import { tool } from "../support/tools.ts";
import { until } from "../support/until.ts";

const AIOSMTPD = tool("aiosmtpd");

/** True when this machine has a real mail server to deliver to. */
export const haveMailServer = AIOSMTPD !== null;

/** A mail as the server stored it. */
export interface Received {
  headers: Record<string, string>;
  body: string;
}

/** A real SMTP server (aiosmtpd) with a mailbox of its own. */
export interface MailServer {
  readonly process: Running;
  /** What it has taken, oldest first; `X-MailFrom` and `X-RcptTo` are the envelope. */
  received(): Received[];
}

/** Starts the server, and returns when it listens. */
export async function mailServer(port: number, ...options: string[]): Promise<MailServer> {
  const box = join(tmpDir(), "box");
  const command = [AIOSMTPD ?? "", "-n", "-l", `127.0.0.1:${port}`, ...options, "-c", "aiosmtpd.handlers.Mailbox", box];
  const process = start(command);
  await until(`a mail server on port ${port}`, async () => {
    const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
    socket.end();
    return true;
  });
  return { process, received: () => readBox(join(box, "new")) };
}

/** The settings that lead to a server on this port. */
export function mailConfig(port: number, change: Partial<VrrpMailConfig> = {}): VrrpMailConfig {
  return {
    to: ["ops@example.com", "night@example.com"],
    from: "lb01@example.com",
    smtpHost: "127.0.0.1",
    smtpPort: port,
    connectTimeoutMs: 2000,
    ...change,
  };
}

// Maildir names: SECONDS.M…P…Q<count>.host; the count is the order of arrival.
function readBox(directory: string): Received[] {
  if (!existsSync(directory)) return [];
  const count = (name: string): number => Number(/Q([0-9]+)/.exec(name)?.[1]);
  const names = readdirSync(directory).sort((a, b) => count(a) - count(b));
  return names.map((name) => parse(readFileSync(join(directory, name), "utf8")));
}

function parse(text: string): Received {
  const end = text.indexOf("\n\n");
  const lines = text
    .slice(0, end)
    .replace(/\n[ \t]+/g, " ")
    .split("\n");
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
  );
  return { headers, body: text.slice(end + 2) };
}
