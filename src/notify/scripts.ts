import type { VrrpInstanceConfig } from "../config/schema.ts";
import { assertNever } from "../core/errors.ts";
import { isFinal, type NotifiedState, type StateChange } from "./event.ts";

/** The notify_… programs of one instance. */
export type NotifyScripts = VrrpInstanceConfig["notify"];

/** One program to run. */
export interface Step {
  /** The key that names it: "notify_master". */
  readonly key: string;
  readonly command: readonly string[];
}

/** What one event has run, in order. */
export interface ScriptJob {
  /** A newer `state` takes the place of one that waits, a newer `rival` that of a rival; a `final` one always has its turn. */
  readonly kind: "state" | "final" | "rival";
  /** What it tells: "MASTER". */
  readonly tells: string;
  readonly steps: readonly Step[];
}

/**
 * What programs are told instead of a change: an instance that a reload took away is in FAULT for scripts of old, unless
 * there is one for DELETED (keepalived).
 */
export function toldState(state: NotifiedState, scripts: NotifyScripts): NotifiedState {
  return state === "DELETED" && scripts.deleted === null ? "FAULT" : state;
}

/** The program for this very state, then the generic one with keepalived's four arguments after its own. */
export function jobOfChange(change: StateChange, scripts: NotifyScripts): ScriptJob {
  const state = toldState(change.state, scripts);
  const specific = step(`notify_${state.toLowerCase()}`, commandFor(state, scripts));
  const generic = step("notify", scripts.any, [change.kind, change.instance, state, String(change.priority)]);
  return { kind: isFinal(change.state) ? "final" : "state", tells: state, steps: [...specific, ...generic] };
}

/** `notify_master_rx_lower_pri`, which gets its own arguments alone. */
export function jobOfRival(scripts: NotifyScripts): ScriptJob {
  const steps = step("notify_master_rx_lower_pri", scripts.masterRxLowerPri);
  return { kind: "rival", tells: "MASTER_RX_LOWER_PRI", steps };
}

function commandFor(state: NotifiedState, scripts: NotifyScripts): readonly string[] | null {
  switch (state) {
    case "MASTER":
      return scripts.master;
    case "BACKUP":
      return scripts.backup;
    case "FAULT":
      return scripts.fault;
    case "STOP":
      return scripts.stop;
    case "DELETED":
      return scripts.deleted;
    default:
      return assertNever(state);
  }
}

function step(key: string, command: readonly string[] | null, more: readonly string[] = []): Step[] {
  return command === null ? [] : [{ key, command: [...command, ...more] }];
}
