import type { StateChange } from "../../src/notify/event.ts";

/** A change of state, of VI_1 to MASTER with priority 101 unless told otherwise. */
export function change(state: StateChange["state"], rest: Partial<StateChange> = {}): StateChange {
  return {
    kind: "INSTANCE",
    instance: "VI_1",
    state,
    priority: 101,
    cause: "no advert from 192.0.2.1 (priority 101) for 3.61 s",
    wallMs: Date.UTC(2026, 10, 22, 16, 0, 5, 250),
    ...rest,
  };
}
