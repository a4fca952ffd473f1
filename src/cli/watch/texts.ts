import { assertNever } from "../../core/errors.ts";
import { humanBytes, humanCount, humanDuration } from "../../stats/humanise.ts";
import type { CheckSnapshot, ListenSnapshot, ServerSnapshot, Snapshot } from "../../stats/snapshot.ts";
import { type Tone, wrapped } from "../../stats/terminal.ts";
import { vrrpLines } from "../../stats/vrrpTable.ts";
import { listenTone, plural, serverTone } from "../../stats/wording.ts";
import { bytesText, rateText, sparkline } from "./bars.ts";
import { eventLines } from "./eventLine.ts";
import { type Flow, listenKey, serverKey } from "./flows.ts";
import { KEY_HELP } from "./help.ts";
import { type Line, plainLine } from "./lines.ts";
import type { WatchState } from "./state.ts";

const LABEL = 13;
const CHART = 40;
const HELP_LABEL = 18;
/** Lines that one sentence of help or of an explanation may take. */
const WRAPPED_LINES = 6;

/** What stands above a text. */
export function viewTitle({ view }: WatchState): string {
  switch (view.kind) {
    case "list":
      return "";
    case "details":
      return view.key;
    case "routers":
      return "virtual routers";
    case "events":
      return "the last events, newest first";
    case "help":
      return "keys";
    default:
      return assertNever(view);
  }
}

/** The text of a view, however long; the list has none. */
export function viewText(state: WatchState, unicode = true): Line[] {
  const { view, sample, columns } = state;
  switch (view.kind) {
    case "list":
      return [];
    case "help":
      return KEY_HELP.flatMap(([keys, does]) => helpLines(keys, does, columns));
    case "events":
      return eventText(state);
    case "routers": {
      const vrrp = sample?.snapshot.vrrp ?? null;
      if (vrrp === null || vrrp.instances.length === 0) return [plainLine("there are none")];
      return vrrpLines(vrrp, { colour: false, width: Math.max(40, columns) }).map((text) => plainLine(text));
    }
    case "details":
      return detailText(state, view.key, view.why, unicode);
    default:
      return assertNever(view);
  }
}

function helpLines(keys: string, does: string, columns: number): Line[] {
  return wrapped(does, Math.max(10, columns - HELP_LABEL), WRAPPED_LINES).map((text, index) => ({
    spans: [{ text: (index === 0 ? keys : "").padEnd(HELP_LABEL), bold: true }, { text }],
  }));
}

function eventText({ sample, columns }: WatchState): Line[] {
  const events = sample?.events ?? null;
  if (events === null) return [plainLine("this balancer keeps no events")];
  return events.length === 0
    ? [plainLine("nothing has happened yet")]
    : events.flatMap((event) => eventLines(event, columns));
}

function detailText(state: WatchState, key: string, why: string | null, unicode: boolean): Line[] {
  const found = state.sample === null ? null : find(state.sample.snapshot, key);
  if (found === null) return [plainLine("it is not there any more")];
  const { listen, server } = found;
  const facts = server === null ? listenFacts(listen) : serverFacts(server);
  const [tone, check] = server === null ? [listenTone(listen.status), null] : [serverTone(server.status), server.check];
  return [
    ...facts.map(([label, text], index) => fact(label, text, index === 0 ? tone : null)),
    ...(check === null ? [] : checkFacts(check)),
    ...(why === null ? [] : [plainLine(""), ...whyLines(why, state.columns), plainLine("")]),
    ...trafficFacts(server ?? listen, state.flows.get(key), unicode),
  ];
}

function find({ listens }: Snapshot, key: string): { listen: ListenSnapshot; server: ServerSnapshot | null } | null {
  for (const listen of listens) {
    if (listenKey(listen.name) === key) return { listen, server: null };
    const server = listen.servers.find(({ name }) => serverKey(listen.name, name) === key);
    if (server !== undefined) return { listen, server };
  }
  return null;
}

function fact(label: string, text: string, tone: Tone = null): Line {
  return {
    spans: [
      { text: label.padEnd(LABEL), dim: true },
      { text, tone },
    ],
  };
}

type Facts = readonly (readonly [label: string, text: string])[];

function listenFacts({ status, inStateMs, binds, balance, usable, servers, ...listen }: ListenSnapshot): Facts {
  return [
    ["state", `${status} for ${humanDuration(inStateMs)}`],
    ["listens on", binds.join(" ")],
    ["balance", balance],
    ["usable", `${usable.active} active and ${usable.backup} backup of ${servers.length} servers`],
    ["nobody there", times(listen.downs, listen.downtimeMs)],
    ["paused", `accepting stopped ${humanCount(listen.acceptPauses)} times at a limit`],
  ];
}

function serverFacts({
  status,
  inStateMs,
  address,
  backup,
  weight,
  throttlePercent,
  ...server
}: ServerSnapshot): Facts {
  const { configured, effective } = weight;
  const ramp = throttlePercent === null ? "" : `, slow start at ${throttlePercent}%`;
  return [
    ["state", `${status} for ${humanDuration(inStateMs)}`],
    ["address", `${address}${backup ? ", backup" : ""}`],
    ["weight", `${configured}${effective === configured ? "" : `, ${effective} now`}${ramp}`],
    ["wanted", server.admin + (server.unresolved ? ", its name has no address" : "")],
    ["was down", times(server.downs, server.downtimeMs)],
    ["chosen", `${humanCount(server.selected)} times, ${humanCount(server.connects)} connections started`],
  ];
}

function times(count: number, durationMs: number): string {
  return `${humanCount(count)} time${plural(count)}, ${humanDuration(durationMs)} in all`;
}

function trafficFacts(subject: ListenSnapshot | ServerSnapshot, flow: Flow | undefined, unicode: boolean): Line[] {
  const { sessions, queue, errors, average, bytesIn, bytesOut, lastSessionAgoMs } = subject;
  const last = lastSessionAgoMs === null ? "none yet" : `last one began ${humanDuration(lastSessionAgoMs)} ago`;
  const limit = sessions.limit === null ? "no limit" : `limit ${humanCount(sessions.limit)}`;
  const chart = (samples: readonly number[] | undefined) => sparkline(samples ?? [], CHART, unicode);
  return [
    fact(
      "sessions",
      `${sessions.current} now, most ${humanCount(sessions.max)}, ${limit}, ${humanCount(sessions.total)} in all, ${last}`,
    ),
    fact("", chart(flow?.sessions)),
    fact("new", `${rateText(flow?.sessionsPerS ?? null)}/s, most ${humanCount(subject.rate.max)}/s`),
    fact(
      "bytes",
      `in ${bytesText(flow?.inPerS ?? null)}/s of ${humanBytes(bytesIn)}, out ${bytesText(flow?.outPerS ?? null)}/s of ${humanBytes(bytesOut)}`,
    ),
    fact("", chart(flow?.bytes)),
    fact("queue", `${queue.current} now, most ${humanCount(queue.max)}`),
    fact(
      "errors",
      `connect ${humanCount(errors.connect)}, retries ${humanCount(errors.retries)}, redispatches ${humanCount(errors.redispatches)}`,
    ),
    fact("broken off", `by clients ${humanCount(errors.clientAborts)}, by servers ${humanCount(errors.serverAborts)}`),
    fact("on average", `queue ${average.queueMs}ms, connect ${average.connectMs}ms, session ${average.totalMs}ms`),
  ];
}

function checkFacts({ health, rise, fall, failures, observed, inconclusive, last }: CheckSnapshot): Line[] {
  const stands = health >= rise ? `up: ${health - rise + 1}/${fall} until down` : `down: ${health}/${rise} until up`;
  const others = [
    `${humanCount(failures)} failure${plural(failures)}`,
    ...(observed === null ? [] : [`${humanCount(observed)} seen in traffic`]),
    ...(inconclusive === 0 ? [] : [`${humanCount(inconclusive)} inconclusive`]),
  ];
  const lines = [fact("checks", `${stands}, ${others.join(", ")}`)];
  if (last === null) return [...lines, fact("last check", "not checked yet")];
  const { status, description, code, info, durationMs, agoMs } = last;
  const parts = [
    `${status}, ${description}`,
    ...(code === null || code === 0 ? [] : [`code ${code}`]),
    ...(durationMs === null ? [] : [`in ${durationMs}ms`]),
    `${humanDuration(agoMs)} ago`,
  ];
  const tone = status.endsWith("OK") ? null : "red";
  return [
    ...lines,
    fact("last check", parts.join(", "), tone),
    ...(info === null || info === "" ? [] : [fact("it said", info)]),
  ];
}

function whyLines(why: string, columns: number): Line[] {
  return why
    .trimEnd()
    .split("\n")
    .flatMap((sentence) => {
      const indent = /^ */.exec(sentence)?.[0] ?? "";
      const width = Math.max(10, columns - indent.length);
      return wrapped(sentence.trimStart(), width, WRAPPED_LINES).map((text) => plainLine(indent + text));
    });
}
