import type { VrrpInstanceConfig } from "../../../src/config/schema.ts";

/** A virtual router as the defaults of the file make it, with changes. */
export function instanceConfig(changes: Partial<VrrpInstanceConfig> = {}): VrrpInstanceConfig {
  return {
    name: "VI_1",
    interface: "eth0",
    state: "BACKUP",
    virtualRouterId: 51,
    priority: 100,
    advertIntMs: 1000,
    version: 2,
    authentication: null,
    virtualIpAddresses: [{ address: "192.0.2.100", prefixLength: 24 }],
    virtualIpAddressesExcluded: [],
    mail: false,
    trackScript: [],
    trackProxy: null,
    trackListen: [],
    trackInterface: [],
    trackFile: [],
    dontTrackPrimary: false,
    nopreempt: false,
    preemptDelayMs: 0,
    downTimerAdverts: 3,
    unicastPeers: [],
    unicastSrcIp: null,
    garp: {
      masterDelayMs: 5000,
      masterRepeat: 5,
      masterRefreshMs: 60_000,
      masterRefreshRepeat: 1,
      lowerPrioDelayMs: 5000,
      lowerPrioRepeat: 5,
      intervalMs: 0,
      neighbourIntervalMs: 0,
    },
    notify: { any: null, master: null, backup: null, fault: null, stop: null, deleted: null, masterRxLowerPri: null },
    syncGroup: null,
    useVmac: false,
    checksum: "auto",
    ...changes,
  };
}
