import type { ListenSnapshot, ProcessSnapshot, Snapshot } from "./snapshot.ts";
import { hangOf } from "./takeSnapshot.ts";
import type { ProxyView } from "./view.ts";
import type { VrrpStateName } from "./vrrpSnapshot.ts";

/** What monitors ask about, of all that a snapshot has: quickly told however many servers there are. */
export interface Standing {
  /** Name of this host. */
  readonly node: string;
  readonly process: Readonly<Pick<ProcessSnapshot, "stopping" | "crashLoop" | "hang">>;
  /** Those of the configuration, without what was removed from it. */
  readonly listens: readonly StandingListen[];
  readonly routers: readonly { readonly name: string; readonly state: VrrpStateName }[];
}

export interface StandingListen extends Readonly<Pick<ListenSnapshot, "name" | "available" | "usable">> {
  /** Names. */
  readonly servers: readonly string[];
}

/** How things stand now. */
export function standingOf(view: ProxyView): Standing {
  return {
    node: view.node,
    process: { stopping: view.stopping, crashLoop: null, hang: hangOf(view) },
    listens: view.pools
      .filter((pool) => view.leavingUntilMs(pool) === null)
      .map(({ config, counts: { active, backups }, servers }) => ({
        name: config.name,
        available: active + backups > 0,
        usable: { active, backup: backups },
        servers: servers.filter(({ leavingUntilMs }) => leavingUntilMs === null).map((server) => server.config.name),
      })),
    routers: view.vrrp?.snapshot.instances ?? [],
  };
}

/** The same of a snapshot. */
export function standingIn({ process, listens, vrrp }: Snapshot): Standing {
  return {
    node: process.node,
    process,
    listens: listens
      .filter(({ leavingForMs }) => leavingForMs === null)
      .map(({ name, available, usable, servers }) => ({
        name,
        available,
        usable,
        servers: servers.filter(({ leavingForMs }) => leavingForMs === null).map((server) => server.name),
      })),
    routers: vrrp?.instances ?? [],
  };
}
