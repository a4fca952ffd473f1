import type { VrrpInstanceConfig } from "../config/schema.ts";
import { addressFamily } from "./adverts.ts";

/** What makes a virtual router the same one on the network. Plain JSON. */
export interface RouterIdentity {
  readonly interface: string;
  readonly virtualRouterId: number;
  readonly useVmac: boolean;
  readonly family: 4 | 6;
}

/** The identity of the router that an instance is configured to be. */
export function identityOf(config: VrrpInstanceConfig): RouterIdentity {
  const { interface: device, virtualRouterId, useVmac } = config;
  return { interface: device, virtualRouterId, useVmac, family: addressFamily(config) };
}

/** Whether one can go on as the other, without resigning. */
export function isSameRouter(a: RouterIdentity, b: RouterIdentity): boolean {
  return (
    a.interface === b.interface &&
    a.virtualRouterId === b.virtualRouterId &&
    a.useVmac === b.useVmac &&
    a.family === b.family
  );
}
