import { isAbout } from "../event.ts";
import { humanDuration } from "../humanise.ts";
import type { ListenSnapshot, ServerSnapshot } from "../snapshot.ts";
import { checkReasons, checkRemedy } from "./checks.ts";
import { span, times, whenAgo } from "./times.ts";
import { type Reason, reason, type WhyWorld } from "./why.ts";

/** Why a server takes new sessions, or does not. */
export interface ServerAnswer {
  readonly healthy: boolean;
  readonly reasons: readonly Reason[];
  readonly remedies: readonly string[];
}

/** Looks at what keeps it from serving first: the most binding thing alone counts for its state. */
export function serverAnswer(listen: ListenSnapshot, server: ServerSnapshot, world: WhyWorld): ServerAnswer {
  const facts = world.check(listen.name, server.name);
  const checks = facts === null ? unchecked(server) : checkReasons(facts, world.wallMs);
  const remedy = facts === null ? [] : [checkRemedy(facts)];
  const name = `${listen.name}/${server.name}`;
  const since = whenAgo(server.inStateMs, world.wallMs);
  if (server.leavingForMs !== null) {
    const text = `a reload has removed it: it takes nobody new, and its ${sessions(server)} end within ${humanDuration(server.leavingForMs)}`;
    return { healthy: false, reasons: [reason(text)], remedies: ["a reload of a file that has it again"] };
  }
  if (server.unresolved) {
    const text = `its name, in ${server.address}, has no address: it is in maintenance until it resolves`;
    return {
      healthy: false,
      reasons: [reason(text)],
      remedies: ["a name server that knows the name: it is asked again and again"],
    };
  }
  if (server.admin === "maint") {
    const text = `it was put in maintenance${by(listen, server, "maint", world)} (${since}): it takes nobody and is not checked`;
    const remedies = [`"set server ${name} state ready", or "enable server ${name}"`];
    return { healthy: false, reasons: [reason(text)], remedies };
  }
  if (!server.up) {
    const drained = server.admin === "drain" ? [reason("it was also told to drain")] : [];
    const remedies = [...remedy, `"set server ${name} health up" counts it as up until checks find otherwise`];
    return { healthy: false, reasons: [...checks, ...drained], remedies };
  }
  if (server.admin === "drain") {
    const text = `it was told to drain${by(listen, server, "drain", world)} (${since}): it takes nobody new, its ${sessions(server)} go on`;
    return { healthy: false, reasons: [reason(text), ...checks], remedies: [`"set server ${name} state ready"`] };
  }
  if (server.weight.configured === 0) {
    const text = `its weight is 0: it takes nobody new, its ${sessions(server)} go on`;
    return {
      healthy: false,
      reasons: [reason(text), ...checks],
      remedies: [`"set server ${name} weight" with more than 0`],
    };
  }
  const remedies = [...remedy, `"set server ${name} state drain", or "maint"`];
  return { healthy: true, reasons: [...checks, ...usable(listen, server, since)], remedies };
}

/** " by an operator", if the journal knows. */
function by(listen: ListenSnapshot, server: ServerSnapshot, change: string, { events }: WhyWorld): string {
  const subject = { kind: "server", listen: listen.name, server: server.name } as const;
  const cause = events.findLast((event) => event.change === change && isAbout(event, subject))?.cause ?? null;
  return cause === null ? "" : ` by ${cause}`;
}

/** What is to be said of one that takes sessions. */
function usable(listen: ListenSnapshot, server: ServerSnapshot, since: string): Reason[] {
  const { weight, throttlePercent, sessions, queue, backup } = server;
  const all = listen.servers.reduce((sum, each) => sum + each.weight.effective, 0);
  const share = all > 0 ? `${Math.round((100 * weight.effective) / all)} % of new sessions by weight` : "";
  const isFull = sessions.limit !== null && sessions.current >= sessions.limit;
  return [
    reason(
      `up since ${since}${server.downs > 0 ? `; it was down ${times(server.downs)}, for ${humanDuration(server.downtimeMs)} in all` : ""}`,
    ),
    ...(throttlePercent === null ? [] : [reason(`slow start: it has ${throttlePercent} % of its weight so far`)]),
    ...(backup && listen.usable.active > 0
      ? [reason("it is a backup: it takes sessions only when no other server can")]
      : weight.effective === 0
        ? [reason("another backup takes the sessions")]
        : share === ""
          ? []
          : [reason(share)]),
    ...(isFull
      ? [
          reason(
            `it has ${sessions.current} of ${sessions.limit} sessions, its maxconn: ${queue.current} more wait for it`,
          ),
        ]
      : []),
  ];
}

function unchecked(server: ServerSnapshot): Reason[] {
  const { connect } = server.errors;
  const text = server.up
    ? "nobody checks it: it counts as up whatever it does"
    : "an operator says so, and nobody checks it";
  return [reason(connect === 0 ? text : `${text}; ${connect} connects to it have failed`)];
}

function sessions({ sessions: { current } }: ServerSnapshot): string {
  return `${current} session${current === 1 ? "" : "s"}`;
}

/** "web/s1 is DOWN for 12s": a server in one sentence. */
export function serverSentence(listen: ListenSnapshot, server: ServerSnapshot): string {
  return `${listen.name}/${server.name} is ${server.status}, for ${span(server.inStateMs)}`;
}
