import {
  type Address,
  type AddressIdentity,
  type AddressRequest,
  addAddressRequest,
  decodeAddress,
  dumpAddressesRequest,
  getAddress6Request,
  removeAddressRequest,
} from "./addressMessages.ts";
import { dump, request } from "./netlink.ts";
import { RTM_NEWADDR } from "./netlinkMessages.ts";

/**
 * Adds an address, or renews the lifetime of the one that is there; whoever added it, it expires like ours from then on.
 * 0, or `-errno`: ENODEV no such interface, EPERM no CAP_NET_ADMIN, EINVAL a lifetime of 0.
 */
export function addAddress(wanted: AddressRequest): number {
  if (wanted.address.length === 16) removeUnlessRenewable(wanted);
  return request(addAddressRequest(wanted));
}

/** Removes the address of exactly this prefix length. 0, or `-errno`: EADDRNOTAVAIL not there, ENODEV no such interface. */
export function removeAddress(which: AddressIdentity): number {
  return request(removeAddressRequest(which));
}

/** The addresses of an interface (0: of all) as they are now; throws SystemError. */
export function dumpAddresses(ifindex: number): Address[] {
  return dump(dumpAddressesRequest(ifindex))
    .filter(({ type }) => type === RTM_NEWADDR)
    .map(({ payload }) => decodeAddress(payload))
    .filter((address) => address !== null)
    .filter((address) => ifindex === 0 || address.ifindex === ifindex);
}

/**
 * Two IPv6 addresses must make way for a new one. A permanent one: giving it a lifetime also ends the route to its subnet, at
 * once and for all addresses of the subnet (seen on Linux 6.18). One of another prefix length: renewing would keep that
 * length, and removing ours would then not find it.
 */
function removeUnlessRenewable({ ifindex, address, prefixLength, validSeconds }: AddressRequest): void {
  let found: Address | null = null;
  request(getAddress6Request(ifindex, address), ({ payload }) => {
    found = decodeAddress(payload);
  });
  const there = found as Address | null; // assigned in the callback, which the compiler does not follow
  if (there === null) return;
  const becomesFinite = there.validSeconds === null && validSeconds !== null;
  if (becomesFinite || there.prefixLength !== prefixLength) removeAddress(there);
}
