import { assertNever } from "../core/errors.ts";
import type { VrrpStateName } from "../stats/vrrpSnapshot.ts";
import type { ResumedState } from "./handoff.ts";
import { OWNER_PRIORITY } from "./priority.ts";
import {
  type BackupState,
  deadlineMs,
  type Effect,
  INITIAL,
  isReady,
  type MachineConfig,
  masterIntervalMs,
  type RouterEvent,
  type RouterState,
  type Step,
  stateName,
} from "./states.ts";
import { hurriedSkewMs, masterDownMs, skewMs } from "./timers.ts";
import type { Cause, Peer } from "./transitions.ts";

/**
 * The virtual router as a function (RFC 9568 §6.4, RFC 3768 §6.4, and keepalived's FAULT). No clock, no socket: times come
 * in, effects come out and are run in their order.
 *
 * ```
 *            trackers known, no fault                  timer (in a sync group: everybody's)
 *   INIT ───────────────────────────────▶ BACKUP ───────────────────────────────────────────▶ MASTER
 *    │ fault                              │   ▲ ◀─────────────────────────────────────────────┘  │
 *    └───────────────▶ FAULT ◀── fault ───┘   │     advert that ranks higher; timers too late      │
 *                      ▲   └── all gone ──────┘                                                    │
 *                      └─────────────────────────────── fault: priority 0, twice ──────────────────┘
 * ```
 * Priority 255 goes from INIT and FAULT to MASTER at once; stop leads from everywhere to INIT.
 *
 * One event. Pure; `nowMs` is monotonic.
 */
export function step(state: RouterState, event: RouterEvent, config: MachineConfig, nowMs: number): Step {
  switch (event.kind) {
    case "wake":
      return wake(state, event.jumpMs, config, nowMs);
    case "timer":
      return timer(state, config, nowMs);
    case "advert":
      if (state.kind === "master") return masterHears(event.peer, config, nowMs);
      return state.kind === "backup" ? [backupHears(state, event, config, nowMs), []] : [state, []];
    case "health":
      if (event.faults.length > 0) return fail(state, event.faults);
      if (event.waiting.length > 0 || state.kind === "backup" || state.kind === "master") return [state, []];
      return begin(state, config, nowMs);
    case "resume":
      return state.kind === "init" ? resume(event.standing, config, nowMs) : [state, []];
    case "configured":
      return [reconfigured(state, event.was, config, nowMs), []];
    case "addressesMissing":
      if (state.kind !== "master") return [state, []];
      return [state, [{ kind: "restored" }, { kind: "hold" }, { kind: "reassert" }]];
    case "promote":
      return isReady(state) && !config.held ? becomeMaster(state, config, nowMs) : [state, []];
    case "yield":
      if (state.kind !== "master") return [state, []];
      return event.resign
        ? [backup(config, nowMs), [{ kind: "resign" }, ...leave("BACKUP", event.cause)]]
        : [listening(config, nowMs), leave("BACKUP", event.cause)];
    case "release":
      return release(state, config, nowMs);
    case "stop":
      if (state.kind === "init") return [state, []];
      return [INITIAL, resignFrom(state, "INIT", { kind: "stopped" })];
    default:
      return assertNever(event);
  }
}

/** Goes on where another program of this process was: no change of state. The advert is first, for it is the one that is late. */
function resume(standing: ResumedState, config: MachineConfig, nowMs: number): Step {
  switch (standing.kind) {
    case "master":
      return [
        { kind: "master", advertAtMs: nowMs + config.intervalMs },
        [{ kind: "advert" }, { kind: "hold" }, { kind: "resumed" }],
      ];
    case "backup": {
      const { learnedIntervalMs } = standing;
      const downAtMs = nowMs + masterDownMs(config, learnedIntervalMs ?? config.intervalMs);
      return [{ ...backup(config, nowMs), learnedIntervalMs, downAtMs }, []];
    }
    case "fault":
      return [{ kind: "fault" }, []];
    default:
      return assertNever(standing);
  }
}

/** Start and recovery: RFC 9568 §6.4.1. */
function begin(state: RouterState, config: MachineConfig, nowMs: number): Step {
  const owner = config.priority === OWNER_PRIORITY;
  if (owner && !config.grouped) return becomeMaster(state, config, nowMs);
  const cause: Cause = { kind: state.kind === "init" ? "started" : "recovered" };
  const next = backup(config, nowMs);
  return [owner ? { ...next, downAtMs: nowMs } : next, [transition(state, "BACKUP", cause)]];
}

function backup(config: MachineConfig, nowMs: number): BackupState {
  return {
    kind: "backup",
    sinceMs: nowMs,
    downAtMs: nowMs + masterDownMs(config, config.intervalMs),
    learnedIntervalMs: null,
    master: null,
    resigned: null,
    preemptAtMs: null,
  };
}

/** A MASTER that may have lost its mastership without knowing listens for one interval, and lets better ones be first. */
function listening(config: MachineConfig, nowMs: number): BackupState {
  return { ...backup(config, nowMs), downAtMs: nowMs + config.intervalMs + skewMs(config, config.intervalMs) };
}

/** RFC 9568 §6.4.2 (105) to (135): the advert goes first, so that a former MASTER drops the addresses before we add them. */
function becomeMaster(state: RouterState, config: MachineConfig, nowMs: number): Step {
  const cause: Cause = state.kind === "backup" ? takeover(state, config, nowMs) : { kind: "owner" };
  return [
    { kind: "master", advertAtMs: nowMs + config.intervalMs },
    [{ kind: "advert" }, { kind: "hold" }, { kind: "announce" }, transition(state, "MASTER", cause)],
  ];
}

function takeover({ master, resigned, sinceMs }: BackupState, config: MachineConfig, nowMs: number): Cause {
  if (resigned !== null) return { kind: "resigned", peer: resigned };
  if (master === null) {
    if (config.priority === OWNER_PRIORITY) return { kind: "owner" };
    return { kind: "silence", master, silentMs: nowMs - sinceMs };
  }
  if (master.priority < config.priority && !isSilent(master, config, nowMs)) return { kind: "preempted", peer: master };
  return { kind: "silence", master, silentMs: nowMs - master.heardAtMs };
}

/**
 * Lateness is looked at before anything is believed: what is queued on the socket, or a deadline that passed while we slept.
 * A MASTER that was silent for so long that backups may have taken over stops being one, and listens. The addresses go
 * as well: the kernel's lease may outlive a freeze, or have slept with us.
 */
function wake(state: RouterState, jumpMs: number, config: MachineConfig, nowMs: number): Step {
  const dueMs = deadlineMs(state);
  if (dueMs === null) return [state, []];
  const intervalMs = masterIntervalMs(state, config);
  const lateMs = Math.max(nowMs - dueMs, jumpMs);
  if (lateMs <= intervalMs) return [state, []];
  const stalled: Effect = { kind: "stalled", lateMs };
  if (state.kind === "backup") {
    // The silence was perhaps ours. What is queued is read next, and may say so sooner.
    const heardMs = nowMs + intervalMs + skewMs(config, intervalMs);
    return [{ ...state, downAtMs: Math.max(dueMs, heardMs) }, [stalled]];
  }
  const silentMs = nowMs - dueMs + config.intervalMs;
  if (silentMs >= config.downTimerAdverts * config.intervalMs) {
    return [listening(config, nowMs), [stalled, ...leave("BACKUP", { kind: "stalled", lateMs })]];
  }
  // Nobody can have taken over, or (clock jump alone, most often somebody set the clock) nobody need have: the late advert
  // asks, and any other MASTER answers it at once.
  return [{ kind: "master", advertAtMs: nowMs - lateMs }, [stalled]];
}

/** RFC 9568 §6.4.2 (Active_Down_Timer) and §6.4.3 (Adver_Timer). A stale timer does nothing. */
function timer(state: RouterState, config: MachineConfig, nowMs: number): Step {
  const dueMs = deadlineMs(state);
  if (dueMs === null || nowMs < dueMs) return [state, []];
  if (state.kind === "backup") {
    if (config.held) return [waitAgain(state, config, nowMs), []];
    return config.grouped ? [{ ...state, downAtMs: null }, []] : becomeMaster(state, config, nowMs);
  }
  const late: Effect[] = nowMs - dueMs > config.intervalMs ? [{ kind: "reassert" }] : [];
  return [{ kind: "master", advertAtMs: nowMs + config.intervalMs }, [{ kind: "advert" }, { kind: "hold" }, ...late]];
}

/** RFC 9568 §6.4.3 (705) to (770). */
function masterHears(peer: Peer, config: MachineConfig, nowMs: number): Step {
  const next: RouterState = { kind: "master", advertAtMs: nowMs + config.intervalMs };
  if (peer.priority === 0) return [next, [{ kind: "advert" }]];
  if (outranks(peer, config)) {
    // keepalived's higher_prio_send_advert: without it a winner that has not heard us would not announce itself again, and
    // clients of a healed network would stay with the loser.
    const [release, told] = leave("BACKUP", { kind: "outranked", peer });
    return [accept(backup(config, nowMs), peer, config, nowMs), [release, { kind: "advert" }, told]];
  }
  return [next, [{ kind: "advert" }, { kind: "hold" }, { kind: "reassert" }, { kind: "rival", peer }]];
}

/** RFC 9568 §6.4.2 (140) to (190), with nopreempt as Preempt_Mode false, and keepalived's preempt_delay. */
function backupHears(
  state: BackupState,
  { peer, alone }: { readonly peer: Peer; readonly alone: boolean },
  config: MachineConfig,
  nowMs: number,
): BackupState {
  const { master } = state;
  const othersReign =
    master !== null && !sameSource(master, peer) && !isSilent(master, config, nowMs) && outranks(master, peer);
  if (peer.priority === 0) {
    if (othersReign) return state;
    const intervalMs = masterIntervalMs(state, config);
    const waitMs = alone ? hurriedSkewMs(config, intervalMs) : skewMs(config, intervalMs);
    const downAtMs = state.downAtMs === null ? null : Math.min(state.downAtMs, nowMs + waitMs);
    return { ...state, downAtMs, master: null, resigned: peer };
  }
  if (peer.priority >= config.priority) return accept({ ...state, preemptAtMs: null }, peer, config, nowMs);
  const preemptAtMs = state.preemptAtMs ?? nowMs + config.preemptDelayMs;
  if (!config.preempt || nowMs < preemptAtMs) return accept({ ...state, preemptAtMs }, peer, config, nowMs);
  return { ...state, preemptAtMs, master: othersReign ? master : peer, resigned: null };
}

/** The sender is MASTER, and may be for another down interval. */
function accept(state: BackupState, peer: Peer, config: MachineConfig, nowMs: number): BackupState {
  const learnedIntervalMs = config.version === 3 ? peer.intervalMs : null;
  const intervalMs = learnedIntervalMs ?? config.intervalMs;
  const downAtMs = nowMs + masterDownMs(config, intervalMs);
  return { ...state, downAtMs, learnedIntervalMs, master: peer, resigned: null };
}

function fail(state: RouterState, faults: readonly string[]): Step {
  if (state.kind === "fault") return [state, []];
  return [{ kind: "fault" }, resignFrom(state, "FAULT", { kind: "faults", faults })];
}

/** A waiting BACKUP's timer moves by what the whole wait changed; a MASTER's next advert comes no later than its interval says. */
function reconfigured(state: RouterState, was: MachineConfig, config: MachineConfig, nowMs: number): RouterState {
  if (state.kind === "master") {
    return { ...state, advertAtMs: Math.min(state.advertAtMs, nowMs + config.intervalMs) };
  }
  if (state.kind !== "backup") return state;
  if (state.downAtMs === null) return config.grouped ? state : { ...state, downAtMs: nowMs };
  const before = masterDownMs(was, masterIntervalMs(state, was));
  const after = masterDownMs(config, masterIntervalMs(state, config));
  // One that was about to preempt and is the lower one now must not: the adverts that it discarded count after all.
  const { master } = state;
  const heardMs = master !== null && master.priority >= config.priority ? master.heardAtMs : Number.NEGATIVE_INFINITY;
  return { ...state, downAtMs: Math.max(state.downAtMs + after - before, heardMs + after) };
}

function resignFrom(state: RouterState, to: VrrpStateName, cause: Cause): Effect[] {
  return state.kind === "master" ? [{ kind: "resign" }, ...leave(to, cause)] : [transition(state, to, cause)];
}

function leave(to: VrrpStateName, cause: Cause): [release: Effect, told: Effect] {
  return [{ kind: "release" }, { kind: "transition", from: "MASTER", to, cause }];
}

function transition(state: RouterState, to: VrrpStateName, cause: Cause): Effect {
  return { kind: "transition", from: stateName(state), to, cause };
}

/** The peers are told as at a stop, and one of them takes over. Should nobody, the lowest priority waits and takes it back. */
function release(state: RouterState, config: MachineConfig, nowMs: number): Step {
  if (state.kind === "master")
    return [backup(config, nowMs), [{ kind: "resign" }, ...leave("BACKUP", { kind: "released" })]];
  return [state.kind === "backup" && state.downAtMs === null ? waitAgain(state, config, nowMs) : state, []];
}

function waitAgain(state: BackupState, config: MachineConfig, nowMs: number): BackupState {
  return { ...state, downAtMs: nowMs + masterDownMs(config, masterIntervalMs(state, config)) };
}

/** Longer than down_timer_adverts: backups are taking over from it. */
function isSilent(peer: Peer, { downTimerAdverts }: MachineConfig, nowMs: number): boolean {
  return nowMs - peer.heardAtMs >= downTimerAdverts * peer.intervalMs;
}

function outranks(peer: Peer, { priority, source }: Pick<MachineConfig, "priority" | "source">): boolean {
  if (peer.priority !== priority) return peer.priority > priority;
  return source === null || compareAddresses(peer.source, source) > 0;
}

function sameSource(a: Peer, b: Peer): boolean {
  return compareAddresses(a.source, b.source) === 0;
}

/** As unsigned numbers in network order (RFC 9568 §6.4.3 (740)). */
function compareAddresses(a: Uint8Array, b: Uint8Array): number {
  for (const [index, byte] of a.entries()) {
    const difference = byte - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
