import type { ListenConfig, VrrpScriptConfig } from "../../config/schema.ts";
import type { Trouble } from "./host.ts";
import type { Side } from "./pair.ts";

/** How long a hung proxy process goes unnoticed: the silence that is waited for, and the time between two looks. */
const PROXY_HUNG_NOTICED_MS = 2400;
/** Between two health reports of the proxy process. */
const PROXY_REPORT_MS = 200;

/** The longest time until a failure is noticed, and until its end is. */
export interface Detection {
  readonly failureMs: number;
  /** null: what is not looked at is never noticed. */
  readonly recoveryMs: number;
}

/** The worst case that the intervals, timeouts and counts of a host's trackers allow. */
export function detectionOf(side: Side, trouble: Trouble): Detection {
  const [kind = "", name = ""] = splitTrouble(trouble);
  if (kind === "script") {
    const script = side.vrrp.scripts.find((each) => each.name === name);
    return script === undefined ? NEVER_LATE : scriptDetection(script);
  }
  if (kind === "listen") {
    const listen = side.listens.find((each) => each.name === name);
    return listen === undefined ? NEVER_LATE : listenDetection(listen);
  }
  return kind === "proxy" ? { failureMs: 0, recoveryMs: PROXY_REPORT_MS } : NEVER_LATE;
}

/** A proxy that hangs says nothing of it. */
export const HUNG_DETECTION: Detection = { failureMs: PROXY_HUNG_NOTICED_MS, recoveryMs: PROXY_REPORT_MS };

const NEVER_LATE: Detection = { failureMs: 0, recoveryMs: 0 };

function splitTrouble(trouble: Trouble): string[] {
  const blank = trouble.indexOf(" ");
  return blank < 0 ? [trouble] : [trouble.slice(0, blank), trouble.slice(blank + 1)];
}

/** It has just run well; then `fall` runs fail, the last one by its timeout. */
function scriptDetection({ intervalMs, timeoutMs, rise, fall }: VrrpScriptConfig): Detection {
  return { failureMs: fall * intervalMs + timeoutMs, recoveryMs: rise * intervalMs + timeoutMs };
}

/** The slowest server counts: a listen has failed when the last one has. It is well again with the first one. */
function listenDetection({ servers }: ListenConfig): Detection {
  const checks = servers.flatMap(({ check }) => check ?? []);
  const failures = checks.map(({ intervalMs, fastIntervalMs, timeoutMs, fall }) => {
    return intervalMs + (fall - 1) * fastIntervalMs + fall * (timeoutMs ?? intervalMs);
  });
  const recoveries = checks.map(({ downIntervalMs, fastIntervalMs, timeoutMs, intervalMs, rise }) => {
    return downIntervalMs + (rise - 1) * fastIntervalMs + (timeoutMs ?? intervalMs);
  });
  return { failureMs: Math.max(0, ...failures), recoveryMs: recoveries.length === 0 ? 0 : Math.min(...recoveries) };
}
