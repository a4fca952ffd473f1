import type { CheckStep } from "../../src/config/schema.ts";
import { systemClock } from "../../src/core/clock.ts";
import type { Endpoint } from "../../src/core/endpoint.ts";
import { Probe, type ProbeOptions } from "../../src/health/probe.ts";
import type { CheckResult } from "../../src/health/result.ts";
import { compileScript } from "../../src/health/script.ts";
import { encodeSockaddr } from "../../src/net/sockaddr.ts";
import type { TestServer } from "../support/echo.ts";

/** Limits of a probe in a test; 10 s of real time for all of it unless said otherwise. */
export type Limits = Partial<Pick<ProbeOptions, "intervalMs" | "timeoutMs" | "connectTimeoutMs" | "clock">>;

/** Where a scripted server listens. */
export function endpointOf(server: TestServer): Endpoint {
  return server.port === 0
    ? { kind: "unix", path: server.address.slice("unix:".length) }
    : { kind: "tcp", host: server.host, port: server.port };
}

/** A probe with real sockets, not started yet. */
export function probe(
  at: Endpoint,
  steps: CheckStep[],
  limits: Limits,
  onResult: (result: CheckResult) => void,
): Probe {
  const defaults = { intervalMs: 10_000, timeoutMs: null, connectTimeoutMs: null, clock: systemClock };
  return new Probe({ ...defaults, ...limits, script: compileScript(steps), address: encodeSockaddr(at) }, onResult);
}

/** Runs one check to its end. */
export function runProbe(at: Endpoint, steps: CheckStep[] = [], limits: Limits = {}): Promise<CheckResult> {
  return new Promise((resolve) => probe(at, steps, limits, resolve).start());
}
