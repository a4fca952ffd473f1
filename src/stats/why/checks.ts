import type { CheckEvidence } from "../../core/checkEvidence.ts";
import { CHECK_DESCRIPTION } from "../../core/checkStatus.ts";
import type { CheckedFacts, CheckFacts } from "../checkFacts.ts";
import { excerptText } from "../evidence.ts";
import { plural } from "../wording.ts";
import { moment, span, whenAgo } from "./times.ts";
import { type Reason, reason } from "./why.ts";

/** Results of the trail that are shown. */
const SHOWN = 5;

/** How a server's checks came to say what they say, beginning with what counts. */
export function checkReasons(facts: CheckFacts, nowMs: number): Reason[] {
  const { health, rise, last, lastFailure } = facts;
  if (last === null) return [reason(`no check has ended yet: ${nextCheck(facts)}`)];
  const isUp = health >= rise;
  const wavers = isUp ? facts.row?.passed === false : facts.row?.passed === true;
  const reasons =
    isUp && !wavers ? [passed(facts, last, nowMs)] : [row(facts, nowMs), result("last check", last, nowMs)];
  if (wavers && last.passed && lastFailure !== null) reasons.push(result("last failure", lastFailure, nowMs));
  if (!isUp || wavers) reasons.push(lastPass(facts, nowMs));
  return reasons;
}

/** What further checks would have to find to change the state. */
export function checkRemedy(facts: CheckFacts): string {
  const { health, rise, fall, row } = facts;
  if (health >= rise) {
    const needed = health - rise + 1;
    const left = needed === fall ? "" : `, ${fall - needed} already`;
    return `${count(needed, "failed check")} in a row would take it down (fall ${fall}${left}): ${nextCheck(facts)}`;
  }
  const soFar = row?.passed === true ? row.count : 0;
  return `${count(rise - health, "successful check")} in a row would bring it up (rise ${rise}, ${soFar} so far): ${nextCheck(facts)}`;
}

/** "the next check is in 1.2 s, then every 2.0 s while it is down". */
export function nextCheck(facts: CheckFacts): string {
  const { inProgress, nextInMs, health, rise, intervalMs, fastIntervalMs, downIntervalMs } = facts;
  const rhythm =
    health === 0
      ? `every ${span(downIntervalMs)} while it is down`
      : `every ${span(health >= rise && facts.row?.passed !== false ? intervalMs : fastIntervalMs)}`;
  if (inProgress) return `a check is on its way, then ${rhythm}`;
  return nextInMs === null ? "it is not being checked now" : `the next check is in ${span(nextInMs)}, then ${rhythm}`;
}

function passed({ row }: CheckFacts, last: CheckedFacts, nowMs: number): Reason {
  const base = result("last check", last, nowMs);
  if (row === null || row.count < 2) return base;
  return {
    ...base,
    text: `${base.text}; ${row.count} in a row have passed, since ${moment(nowMs - row.sinceAgoMs, nowMs)}`,
  };
}

function row(facts: CheckFacts, nowMs: number): Reason {
  const { row, rise, fall, health } = facts;
  const trail = facts.trail.slice(-SHOWN).map(({ agoMs, status, code, info, statusText }) => {
    const words = [status, code === null || code === 0 ? "" : String(code), info ?? ""].filter((word) => word !== "");
    return `${moment(nowMs - agoMs, nowMs)}  ${words.join(" ")} -> ${statusText}`;
  });
  if (row === null) return reason("its checks have said so before they were changed, or before this process", ...trail);
  const verb = row.passed ? "passed" : "failed";
  const have = row.count === 1 ? "has" : "have";
  const against = health >= rise ? `fall is ${fall}` : row.passed ? `rise is ${rise}` : `fall ${fall}`;
  const since = row.count === 1 ? "" : `, the first at ${whenAgo(row.sinceAgoMs, nowMs)}`;
  return reason(`${count(row.count, "check")} in a row ${have} ${verb} (${against})${since}`, ...trail);
}

/** One result, with what the check did and saw. */
function result(title: string, facts: CheckedFacts, nowMs: number): Reason {
  const { status, code, info, durationMs, evidence, agoMs } = facts;
  const said = [
    `${status}, ${CHECK_DESCRIPTION[status]}`,
    ...(code === null || code === 0 ? [] : [`code ${code}`]),
    ...(info === null || info.trim() === "" || facts.passed ? [] : [`"${info.trim()}"`]),
    ...(durationMs === null ? [] : [`after ${Math.round(durationMs)} ms`]),
  ];
  const text = `${title} (${whenAgo(agoMs, nowMs)}): ${said.join(", ")}`;
  if (evidence === null) return reason(text);
  return reason(text, ...doneAndSeen(evidence, facts.passed));
}

function doneAndSeen({ target, step, errno, sent, received }: CheckEvidence, isPassed: boolean): string[] {
  const atConnect = step.doing.startsWith("connect") && !isPassed;
  const place = step.of === 0 || step.number === 0 ? "" : `; step ${step.number} of ${step.of}: ${step.doing}`;
  const failure = errno === null ? "" : `: ${errno.name} (${errno.text})`;
  const waits = received === null && !atConnect && (sent !== null || step.doing.startsWith("expect"));
  return [
    `${atConnect ? "connecting" : "connected"} to ${target}${place}${failure}`,
    ...(sent === null ? [] : [`sent ${excerptText(sent)}`]),
    ...(received === null ? [] : [`received ${excerptText(received)}`]),
    ...(waits ? ["received nothing"] : []),
  ];
}

function lastPass({ lastPassAgoMs }: CheckFacts, nowMs: number): Reason {
  return reason(
    lastPassAgoMs === null
      ? "no check has passed since its checks began in this process"
      : `the last check that passed was at ${whenAgo(lastPassAgoMs, nowMs)}`,
  );
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${plural(number)}`;
}
