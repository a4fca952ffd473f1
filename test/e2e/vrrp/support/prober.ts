import { join } from "node:path";
import type { Running } from "../../../support/process.ts";
import { type UntilOptions, until } from "../../../support/until.ts";
import { SERVICE_PORT } from "./keepalived.ts";
import { type Host, VIP } from "./lan.ts";

/** The client had an answer, at this time (epoch ms), of the server of this name. */
export interface Answer {
  atMs: number;
  name: string;
}

/** A client that never tires; see `proberChild.ts`. */
export interface Prober {
  answers(sinceMs?: number): Answer[];
  /** Waits for an answer at or after `sinceMs`, of this server if one is named. */
  waitFor(wanted: { name?: string; sinceMs?: number }, options?: UntilOptions): Promise<Answer>;
  /**
   * What a fault at `faultMs` cost the client: from its last answer before the change of servers to the first after
   * it, in ms. Waits until `name` answers.
   */
  gapMs(faultMs: number, name: string, options?: UntilOptions): Promise<number>;
}

/** Pause between two tries: what a gap is measured in. */
export const PROBE_EVERY_MS = 10;

/** Starts the client's loop against an address, the virtual one unless said otherwise. Ends with the test. */
export async function startProber(client: Host, address = VIP): Promise<Prober> {
  const running = bunInside(client, "proberChild.ts", address, String(SERVICE_PORT), String(PROBE_EVERY_MS));
  await running.waitFor("started");
  const answers = (sinceMs = 0): Answer[] =>
    [...running.stdout().matchAll(/^ok (\S+) (\S+)$/gm)]
      .map(([, atMs, name]) => ({ atMs: Number(atMs), name: name ?? "" }))
      .filter(({ atMs }) => atMs >= sinceMs);
  const waitFor: Prober["waitFor"] = ({ name, sinceMs = 0 }, options) =>
    until(
      `an answer through ${address}${name === undefined ? "" : ` of ${name}`}`,
      () => answers(sinceMs).find((answer) => name === undefined || answer.name === name),
      options,
    );
  return {
    answers,
    waitFor,
    async gapMs(faultMs, name, options) {
      const first = await waitFor({ name, sinceMs: faultMs }, { timeoutMs: 15_000, ...options });
      const before = answers().filter((answer) => answer.name !== name && answer.atMs <= first.atMs);
      return first.atMs - (before.at(-1)?.atMs ?? faultMs);
    },
  };
}

/** A server that can be killed, which says its name in every answer. */
export interface EchoServer {
  /** "host:port". */
  readonly address: string;
  /** SIGKILL: the next connection is refused. */
  kill(): Promise<void>;
}

/** Starts a server on the client's host, so that no fault of a router touches it. */
export async function startEcho(client: Host, port: number, name: string): Promise<EchoServer> {
  const running = bunInside(client, "echoChild.ts", client.address, String(port), name);
  await running.waitFor("listening");
  return {
    address: `${client.address}:${port}`,
    async kill() {
      await running.kill();
    },
  };
}

function bunInside(host: Host, script: string, ...args: string[]): Running {
  return host.ns.start([process.execPath, join(import.meta.dir, script), ...args]);
}
