import { constants } from "node:os";
import { libc } from "./libc.ts";

/**
 * How no signal gets lost while this process becomes another program. A handler ends with the program, and a signal without
 * one ends the process. But two things outlive an execution: what is blocked waits, and what is ignored stays ignored. So the
 * thread that executes blocks the signals: those that come wait for the new program. The other threads do not block them,
 * nor does this one while its loop waits for something, and the kernel gives a signal to whoever takes it: there its handler
 * is sigignore(3), which makes the signal an ignored one, and so a note for the new program that it came. That has to have
 * handlers before its loop first waits: see core/earlySignals.ts.
 */

const SIG_BLOCK = 0;
const SIG_UNBLOCK = 1;
const SIG_IGN = 1n;
/** At least as long as any C library's sigset_t and struct sigaction. */
const SIGSET_BYTES = 128;
const SIGACTION_BYTES = 256;

/**
 * Keeps these signals for the program that this thread executes next: call it in the main thread. Those that are ignored stay
 * so. The function undoes it, should the execution fail, and returns the signals that came where they cannot be given back
 * to their handlers; the others reach theirs at once.
 */
export function holdSignals(signals: readonly NodeJS.Signals[]): () => NodeJS.Signals[] {
  libc.sigprocmask(SIG_BLOCK, setOf(signals), null);
  const { ptr: note } = libc.sigignore as unknown as { ptr: number }; // not in its type: the address of the function
  const handled = signals.flatMap((signal) => {
    const before = exchange(signal, actionOf(BigInt(note)));
    if (before[0] !== SIG_IGN) return [{ signal, before }];
    exchange(signal, before);
    return [];
  });
  return () => {
    const came = handled.filter(({ signal, before }) => exchange(signal, before)[0] === SIG_IGN);
    libc.sigprocmask(SIG_UNBLOCK, setOf(signals), null);
    return came.map(({ signal }) => signal);
  };
}

/** Has these signals reach their handlers from now on. Before that, every process started would keep them out as well. */
export function letSignalsIn(signals: readonly NodeJS.Signals[]): void {
  libc.sigprocmask(SIG_UNBLOCK, setOf(signals), null);
}

/** Has a signal do nothing, in whatever program runs; the function makes it do again what it did. */
export function ignoreSignal(signal: NodeJS.Signals): () => void {
  const before = exchange(signal, actionOf(SIG_IGN));
  return () => void exchange(signal, before);
}

/** struct sigaction begins with the handler; all the rest may be zero. */
function actionOf(handler: bigint): BigUint64Array {
  const action = new BigUint64Array(new ArrayBuffer(SIGACTION_BYTES));
  action[0] = handler;
  return action;
}

/** What was done at this signal before. */
function exchange(signal: NodeJS.Signals, action: BigUint64Array): BigUint64Array {
  const before = actionOf(0n);
  libc.sigaction(constants.signals[signal], action, before);
  return before;
}

function setOf(signals: readonly NodeJS.Signals[]): BigUint64Array {
  const set = new BigUint64Array(new ArrayBuffer(SIGSET_BYTES));
  set[0] = signals.reduce((bits, signal) => bits | bitOf(signal), 0n);
  return set;
}

function bitOf(signal: NodeJS.Signals): bigint {
  return 1n << BigInt(constants.signals[signal] - 1);
}
