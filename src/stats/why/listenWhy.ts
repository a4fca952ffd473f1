import type { ListenSnapshot, ServerSnapshot } from "../snapshot.ts";
import { plural } from "../wording.ts";
import { serverAnswer, serverSentence } from "./serverWhy.ts";
import { times, whenAgo } from "./times.ts";
import { type Reason, reason, type WhyWorld } from "./why.ts";

/** Why a listen serves, or does not. */
export interface ListenAnswer {
  readonly healthy: boolean;
  readonly reasons: readonly Reason[];
  readonly remedies: readonly string[];
}

/** So many of its servers are told of one by one. */
const MOST_SERVERS = 10;

export function listenAnswer(listen: ListenSnapshot, world: WhyWorld): ListenAnswer {
  const { status, usable, servers, leavingForMs } = listen;
  const useless = servers.filter((server) => !takesSessions(server));
  const count = `${usable.active + usable.backup} of ${servers.length} server${plural(servers.length)}`;
  const details = useless.slice(0, MOST_SERVERS).map((server) => serverReason(listen, server, world));
  const more = useless.length > MOST_SERVERS ? [reason(`and ${useless.length - MOST_SERVERS} more`)] : [];
  switch (status) {
    case "STOP": {
      const text = leavingForMs === null ? "the process is stopping, or it was shut down" : "a reload has removed it";
      return {
        healthy: false,
        reasons: [reason(`${text}: it accepts nobody, ${listen.sessions.current} sessions go on`)],
        remedies: [],
      };
    }
    case "PAUSED":
      return {
        healthy: false,
        reasons: [
          reason(`an operator has paused it: its clients are refused, ${listen.sessions.current} sessions go on`),
        ],
        remedies: [`"enable frontend ${listen.name}"`],
      };
    case "DOWN": {
      const text = servers.length === 0 ? "it has no servers" : `${count} can take sessions`;
      const since = `nobody serves it since ${whenAgo(listen.inStateMs, world.wallMs)}`;
      const remedies = useless.flatMap((server) => remedyOf(listen, server, world)).slice(0, MOST_SERVERS);
      return {
        healthy: false,
        reasons: [reason(`${text}; ${since}`, ...details, ...more), ...queue(listen)],
        remedies,
      };
    }
    case "FULL":
      return { healthy: false, reasons: [full(listen, world), ...queue(listen)], remedies: [fullRemedy(listen)] };
    case "OPEN": {
      const onBackup = usable.active === 0 && usable.backup > 0 ? ", none but backups" : "";
      const since = `since ${whenAgo(listen.inStateMs, world.wallMs)}`;
      const open = reason(
        `it accepts on ${listen.binds.join(", ")}, and ${count} can take sessions${onBackup}, ${since}`,
        ...details,
        ...more,
      );
      const last = `it is down when the last server that can take sessions is gone`;
      return { healthy: true, reasons: [open, ...queue(listen)], remedies: [last] };
    }
  }
}

function takesSessions({ admin, up, unresolved, weight, leavingForMs }: ServerSnapshot): boolean {
  return up && admin === "ready" && !unresolved && weight.configured > 0 && leavingForMs === null;
}

function serverReason(listen: ListenSnapshot, server: ServerSnapshot, world: WhyWorld): Reason {
  return reason(serverSentence(listen, server), ...serverAnswer(listen, server, world).reasons);
}

function remedyOf(listen: ListenSnapshot, server: ServerSnapshot, world: WhyWorld): string[] {
  const [first] = serverAnswer(listen, server, world).remedies;
  return first === undefined ? [] : [`${listen.name}/${server.name}: ${first}`];
}

function full(listen: ListenSnapshot, { snapshot }: WhyWorld): Reason {
  const { current, limit } = listen.sessions;
  const { connections } = snapshot.process;
  const reached =
    limit !== null && current >= limit
      ? `it has ${current} of ${limit} connections, its maxconn`
      : `the process has ${connections.current} of ${connections.limit} connections, the maxconn of [global]`;
  const pauses = `accepting has stopped for a limit ${times(listen.acceptPauses)} so far`;
  return reason(`${reached}: further clients wait in the kernel's queue`, pauses);
}

function fullRemedy(listen: ListenSnapshot): string {
  const { current, limit } = listen.sessions;
  const raise =
    limit !== null && current >= limit
      ? `"set maxconn frontend ${listen.name}" with more`
      : '"set maxconn global" with more';
  return `a connection that ends, ${raise}, or a higher maxconn in the file`;
}

/** Who waits for a server, and why there is none for him. */
function queue({ queue: { current, max }, servers }: ListenSnapshot): Reason[] {
  if (current === 0) return [];
  const busy = servers
    .filter(({ sessions }) => sessions.limit !== null && sessions.current >= sessions.limit)
    .map(({ name, sessions }) => `${name} has ${sessions.current} of ${sessions.limit} sessions`);
  return [
    reason(
      `${current} connection${plural(current)} wait${current === 1 ? "s" : ""} for a server (${max} at most so far)`,
      ...busy,
    ),
  ];
}
