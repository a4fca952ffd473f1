import type { Config } from "../config/schema.ts";
import { identityOf, isSameRouter, type RouterIdentity } from "../vrrp/identity.ts";
import { chrootProblem } from "./confine.ts";

/** What the program on disk must know of the one whose place it is to take, to say whether it can. Plain JSON. */
export interface Incumbent {
  readonly routers: readonly (RouterIdentity & { readonly name: string })[];
}

/** What of a configuration that runs its successor has to go on with. */
export function incumbentOf({ vrrp }: Config): Incumbent {
  return { routers: (vrrp?.instances ?? []).map((instance) => ({ name: instance.name, ...identityOf(instance) })) };
}

/** Why a valid configuration cannot take the place of what runs by an upgrade; null: it can. */
export function successionProblem(config: Config, { routers }: Incumbent): string | null {
  for (const router of routers) {
    const after = config.vrrp?.instances.find(({ name }) => name === router.name);
    const what = `[vrrp.instance.${router.name}]`;
    if (after === undefined) return `${what} runs and is not in the file: reload first, so that it resigns`;
    if (!isSameRouter(router, identityOf(after)))
      return `${what} is another virtual router in the file: reload first, so that the one that runs resigns`;
  }
  return chrootProblem(config);
}
