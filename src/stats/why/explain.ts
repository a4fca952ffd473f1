import { assertNever } from "../../core/errors.ts";
import { type EventSubject, isAbout, type JournalEvent, subjectName } from "../event.ts";
import { chainOf } from "../journal.ts";
import { findProblems, processProblems } from "../problems.ts";
import { instanceAnswer } from "./instanceWhy.ts";
import { listenAnswer } from "./listenWhy.ts";
import { allNames, findNamed, PROCESS_NAME } from "./names.ts";
import { serverAnswer } from "./serverWhy.ts";
import { moment, span, times } from "./times.ts";
import { reason, type Why, type WhyWorld } from "./why.ts";

/** There is nobody of that name, or more than one. */
export interface NoSuchName {
  /** A sentence: what is wrong with the name, and what was perhaps meant. */
  readonly unknown: string;
}

/** So many events are told. */
const MOST_EVENTS = 10;

/** Why what is named stands as it does. Pure. */
export function explain(name: string, world: WhyWorld): Why | NoSuchName {
  const { snapshot, wallMs } = world;
  const named = findNamed(snapshot, name);
  const stateOf = (inStateMs: number) => ({ sinceWallMs: wallMs - inStateMs, forText: forText(inStateMs, wallMs) });
  switch (named.kind) {
    case "server": {
      const { listen, server } = named;
      const full = `${listen.name}/${server.name}`;
      const { sinceWallMs, forText } = stateOf(server.inStateMs);
      return {
        name: full,
        kind: "server",
        state: server.status,
        sinceWallMs,
        summary: `${full} is ${server.status} ${forText}`,
        ...serverAnswer(listen, server, world),
        events: eventsAbout({ kind: "server", listen: listen.name, server: server.name }, world.events),
      };
    }
    case "listen": {
      const { listen } = named;
      const { sinceWallMs, forText } = stateOf(listen.inStateMs);
      return {
        name: listen.name,
        kind: "listen",
        state: listen.status,
        sinceWallMs,
        summary: `${listen.name} is ${listen.status}${listen.status === "FULL" ? "" : ` ${forText}`}`,
        ...listenAnswer(listen, world),
        events: eventsAbout({ kind: "listen", listen: listen.name }, world.events),
      };
    }
    case "instance": {
      const { instance } = named;
      const { sinceWallMs, forText } = stateOf(instance.inStateMs);
      const of = name === instance.name ? "" : `, which has ${name},`;
      const released = instance.released === null ? "" : " (released)";
      return {
        name: instance.name,
        kind: "instance",
        state: instance.state,
        sinceWallMs,
        summary: `${instance.name}${of} is ${instance.state}${released} ${forText}`,
        ...instanceAnswer(instance, world),
        events: eventsAbout({ kind: "instance", instance: instance.name }, world.events),
      };
    }
    case "process":
      return processAnswer(world);
    case "ambiguous":
      return { unknown: `"${name}" may be ${named.meanings.join(" or ")}: say which` };
    case "unknown": {
      // While no proxy process answers, nothing is known of its listens: that is the answer then.
      if (snapshot.listens.length === 0 && processProblems(snapshot.process).length > 0) return processAnswer(world);
      const gone = goneAnswer(name, world);
      if (gone !== null) return gone;
      const near = world.suggest(name, allNames(snapshot));
      return { unknown: `there is no "${name}"${near === null ? "" : `; did you mean "${near}"?`}` };
    }
    default:
      return assertNever(named);
  }
}

/** Of a listen, server or router that the journal alone still knows; null: it never knew it. */
function goneAnswer(name: string, { events, wallMs }: WhyWorld): Why | null {
  const last = events.findLast(({ subject }) => subject.kind !== "process" && subjectName(subject) === name);
  if (last === undefined || last.subject.kind === "process") return null;
  const chain = chainOf(last, events).map((event) => reason(`${moment(event.wallMs, wallMs)}: ${event.text}`));
  return {
    name,
    kind: last.subject.kind,
    state: "GONE",
    healthy: false,
    sinceWallMs: last.wallMs,
    summary: `${name} is not there any more`,
    reasons: chain,
    remedies: ["a reload of a file that has it again"],
    events: eventsAbout(last.subject, events),
  };
}

function processAnswer({ snapshot, events, wallMs }: WhyWorld): Why {
  const { process } = snapshot;
  const problems = processProblems(process);
  const others = findProblems(snapshot);
  const crash = events.findLast(({ change }) => change === "crash" || change === "crashLoop");
  const restarts =
    process.restarts === 0
      ? []
      : [
          reason(
            `the proxy process was started anew ${times(process.restarts)}${crash === undefined ? "" : `, last because of ${moment(crash.wallMs, wallMs)}: ${crash.text}`}`,
          ),
        ];
  const down = [...others.servers, ...others.listens, ...others.routers];
  return {
    name: PROCESS_NAME,
    kind: "process",
    state:
      process.crashLoop !== null
        ? "CRASH LOOP"
        : process.hang !== null
          ? "HANGS"
          : process.stopping
            ? "STOPPING"
            : "RUNS",
    healthy: problems.length === 0,
    sinceWallMs: process.startedWallMs,
    summary:
      problems.length === 0
        ? `haproxy-lite ${process.version} runs ${forText(process.uptimeMs, wallMs)}`
        : "no working proxy process answers",
    reasons: [
      ...problems.map((problem) => reason(problem)),
      ...restarts,
      ...(down.length === 0 ? [] : [reason(`not well: ${down.join("; ")}`)]),
    ],
    remedies: [],
    events: eventsAbout({ kind: "process" }, events),
  };
}

/** The last events about a subject (a listen's servers included) and whatever led to them, in their order. */
export function eventsAbout(subject: EventSubject, events: readonly JournalEvent[]): JournalEvent[] {
  const own = events.filter((event) => isAbout(event, subject, true)).slice(-MOST_EVENTS);
  const all = new Map(own.flatMap((event) => chainOf(event, events)).map((event) => [event.id, event]));
  return [...all.values()].toSorted((a, b) => a.id - b.id).slice(-MOST_EVENTS);
}

function forText(inStateMs: number, nowMs: number): string {
  return `for ${span(inStateMs)}, since ${moment(nowMs - inStateMs, nowMs)}`;
}
