import { assertNever } from "../../core/errors.ts";
import type { ListenSnapshot, ServerSnapshot, Snapshot } from "../../stats/snapshot.ts";
import { type Flow, type Flows, listenKey, serverKey } from "./flows.ts";

/** One line of the list. */
export type Row =
  | { readonly kind: "listen"; readonly key: string; readonly listen: ListenSnapshot }
  | {
      readonly kind: "server";
      readonly key: string;
      readonly listen: ListenSnapshot;
      readonly server: ServerSnapshot;
    };

/** `file`: as configured, each listen with its servers below; the others: all servers, the most interesting first. */
export const ORDERS = ["file", "state", "sessions", "rate", "bytes", "queue", "errors", "changed", "name"] as const;
export type Order = (typeof ORDERS)[number];

/** What is to be listed. */
export interface Choice {
  readonly order: Order;
  readonly reversed: boolean;
  /** Part of a listen's or a server's name; "": everything. */
  readonly filter: string;
  /** Only what is not as it should be. */
  readonly troubledOnly: boolean;
}

/** The rows of the list. */
export function rowsOf({ listens }: Snapshot, flows: Flows, choice: Choice): Row[] {
  const groups = listens.map((listen) => rowsOfListen(listen, choice));
  if (choice.order === "file") return (choice.reversed ? groups.reverse() : groups).flat();
  const sign = choice.reversed ? -1 : 1;
  const rank = ranking(choice.order, flows);
  return groups
    .flat()
    .filter((row) => row.kind === "server")
    .sort((a, b) => sign * rank(a, b));
}

/** Whether it is as it should be. */
export function isTroubled(row: Row): boolean {
  if (row.kind === "listen") return row.listen.status !== "OPEN" || !row.listen.available;
  return row.server.status !== "UP" && row.server.status !== "no check";
}

function rowsOfListen(listen: ListenSnapshot, { filter, troubledOnly }: Choice): Row[] {
  const sought = filter.toLowerCase();
  const whole = listen.name.toLowerCase().includes(sought);
  const servers = listen.servers
    .map((server): Row => ({ kind: "server", key: serverKey(listen.name, server.name), listen, server }))
    .filter(({ key }) => key.toLowerCase().includes(sought))
    .filter((row) => !troubledOnly || isTroubled(row));
  const head: Row = { kind: "listen", key: listenKey(listen.name), listen };
  return servers.length > 0 || (whole && (!troubledOnly || isTroubled(head))) ? [head, ...servers] : [];
}

type Ranked = Extract<Row, { kind: "server" }>;

/** Sorting is stable: equal ones stay as configured. */
function ranking(order: Exclude<Order, "file">, flows: Flows): (a: Ranked, b: Ranked) => number {
  const most = (value: (row: Ranked) => number) => (a: Ranked, b: Ranked) => value(b) - value(a);
  const flow = (row: Ranked): Flow | undefined => flows.get(row.key);
  switch (order) {
    case "state":
      return most(({ server }) => severity(server));
    case "sessions":
      return most(({ server }) => server.sessions.current);
    case "rate":
      return most((row) => flow(row)?.sessionsPerS ?? 0);
    case "bytes":
      return most((row) => (flow(row)?.inPerS ?? 0) + (flow(row)?.outPerS ?? 0));
    case "queue":
      return most(({ server }) => server.queue.current);
    case "errors":
      return most(({ server }) => errorsOf(server));
    case "changed":
      return most(({ server }) => -server.inStateMs);
    case "name":
      return (a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
    default:
      return assertNever(order);
  }
}

/** What went wrong with it and its sessions, all together. */
export function errorsOf({ errors }: ListenSnapshot | ServerSnapshot): number {
  return errors.connect + errors.retries + errors.redispatches + errors.serverAborts;
}

/** Down without anybody's will is worst, then what changes state, then what a person took out. */
function severity({ status, admin, up, unresolved }: ServerSnapshot): number {
  if (admin === "ready" && (!up || unresolved)) return 4;
  if (status === "UP" || status === "no check") return 0;
  return admin === "ready" ? 3 : admin === "maint" ? 2 : 1;
}
