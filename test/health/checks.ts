import { readdirSync } from "node:fs";
import type { CheckConfig, CheckStep } from "../../src/config/schema.ts";
import type { Endpoint } from "../../src/core/endpoint.ts";

/** A check as the configuration would give it: defaults, and what the test changes. */
export function checkConfig(changes: Partial<CheckConfig> = {}): CheckConfig {
  const address: Endpoint = { kind: "tcp", host: "127.0.0.1", port: 1 };
  return {
    intervalMs: 2000,
    fastIntervalMs: 2000,
    downIntervalMs: 2000,
    rise: 2,
    fall: 3,
    timeoutMs: null,
    address,
    initState: "up",
    steps: [],
    ...changes,
  };
}

export function connect(port: number | null = null, comment: string | null = null): CheckStep {
  return { kind: "connect", port, comment };
}

export function send(text: string, comment: string | null = null): CheckStep {
  return { kind: "send", dataHex: Buffer.from(text).toString("hex"), comment };
}

type Expect = Extract<CheckStep, { kind: "expect" }>;

export function expectString(pattern: string, changes: Partial<Expect> = {}): CheckStep {
  return { kind: "expect", match: "string", pattern, negate: false, minRecv: 0, comment: null, ...changes };
}

/** Open file descriptors of this process. */
export function openFds(): number {
  return readdirSync("/proc/self/fd").length;
}
