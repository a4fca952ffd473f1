import type { ListenHealth } from "../proxy/protocol.ts";
import type { VrrpSnapshot } from "../stats/vrrpSnapshot.ts";

/** So many virtual routers are named, and more are counted. */
const NAMED = 4;

/** What the line is made from. */
export interface Standing {
  /** What is wrong with the proxy process as a whole; "": nothing. */
  readonly trouble: string;
  readonly listens: readonly ListenHealth[];
  /** null: there are no virtual routers. */
  readonly vrrp: VrrpSnapshot | null;
}

/** "2/2 listens up, 4/4 servers up, VI_1 MASTER"; a listen is up when somebody serves it. */
export function statusLine({ trouble, listens, vrrp }: Standing): string {
  const judged = listens.filter(({ servers }) => servers > 0);
  const sum = (of: (listen: ListenHealth) => number) => judged.reduce((total, listen) => total + of(listen), 0);
  const parts = [
    ...(trouble === "" ? [] : [`proxy ${trouble}`]),
    `${judged.filter(({ usable }) => usable > 0).length}/${judged.length} listens up`,
    `${sum(({ usable }) => usable)}/${sum(({ servers }) => servers)} servers up`,
    ...(vrrp === null ? [] : routers(vrrp)),
  ];
  return parts.join(", ");
}

function routers({ instances }: VrrpSnapshot): string[] {
  if (instances.length <= NAMED) return instances.map(({ name, state }) => `${name} ${state}`);
  const states = Map.groupBy(instances, ({ state }) => state);
  return [...states].map(([state, members]) => `${members.length} ${state}`);
}
