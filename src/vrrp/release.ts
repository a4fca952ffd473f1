import type { VrrpConfig, VrrpInstanceConfig } from "../config/schema.ts";

/** What stands for every instance in an order of an operator. */
export const ALL_INSTANCES = "all";

/**
 * The instances that an order means which names an instance, a sync group or {@link ALL_INSTANCES}. Members of a sync group
 * move together, so one of them means all of them. Empty: there is nothing of that name.
 */
export function instancesNamed({ instances }: Pick<VrrpConfig, "instances">, name: string): VrrpInstanceConfig[] {
  if (name === ALL_INSTANCES) return [...instances];
  const named = instances.find((instance) => instance.name === name);
  const group = named === undefined ? name : named.syncGroup;
  return instances.filter((instance) => instance === named || (group !== null && instance.syncGroup === group));
}
