import type { VrrpInstanceConfig } from "../config/schema.ts";

type Key = keyof VrrpInstanceConfig;

/** The keys whose values can be read in a sentence, as the file spells them; the others are only named. */
const SHOWN: Partial<Record<Key, { readonly name: string; readonly unit: string }>> = {
  priority: { name: "priority", unit: "" },
  advertIntMs: { name: "advert_int", unit: " ms" },
  version: { name: "version", unit: "" },
  nopreempt: { name: "nopreempt", unit: "" },
  preemptDelayMs: { name: "preempt_delay", unit: " ms" },
  downTimerAdverts: { name: "down_timer_adverts", unit: "" },
  checksum: { name: "checksum", unit: "" },
  state: { name: "state", unit: "" },
};

/** Keys whose names in the file are not simply the same words with underscores. */
const NAMES: Partial<Record<Key, string>> = {
  virtualIpAddresses: "virtual_ipaddress",
  virtualIpAddressesExcluded: "virtual_ipaddress_excluded",
  unicastPeers: "unicast_peer",
  garp: "garp_*",
  notify: "notify_*",
};

/** What differs between two configurations of one virtual router, a sentence for each key: "priority 100 → 90". */
export function changesBetween(before: VrrpInstanceConfig, after: VrrpInstanceConfig): string[] {
  const keys = Object.keys(after) as Key[];
  return keys
    .filter((key) => !Bun.deepEquals(before[key], after[key]))
    .map((key) => {
      const shown = SHOWN[key];
      if (shown !== undefined) return `${shown.name} ${before[key]} → ${after[key]}${shown.unit}`;
      if (key === "virtualIpAddresses" || key === "virtualIpAddressesExcluded" || key === "unicastPeers") {
        return `${nameOf(key)} ${listChange(before[key].map(textOf), after[key].map(textOf))}`;
      }
      return `${nameOf(key)} changed`;
    });
}

/** True when addresses come or go, those outside of the advert included. */
export function addressesChange(before: VrrpInstanceConfig, after: VrrpInstanceConfig): boolean {
  return (
    !Bun.deepEquals(before.virtualIpAddresses, after.virtualIpAddresses) ||
    !Bun.deepEquals(before.virtualIpAddressesExcluded, after.virtualIpAddressesExcluded)
  );
}

function listChange(before: readonly string[], after: readonly string[]): string {
  const added = after.filter((item) => !before.includes(item)).map((item) => `+${item}`);
  const removed = before.filter((item) => !after.includes(item)).map((item) => `-${item}`);
  return [...added, ...removed].join(" ") || "in another order";
}

function textOf(item: string | { readonly address: string; readonly prefixLength: number }): string {
  return typeof item === "string" ? item : `${item.address}/${item.prefixLength}`;
}

function nameOf(key: Key): string {
  return NAMES[key] ?? key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
