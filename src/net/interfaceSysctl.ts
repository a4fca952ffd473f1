import { readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";

/** A setting of one interface: `net.ipv4.conf.NAME.KEY`. */
export type InterfaceSysctl =
  | "accept_local"
  | "arp_announce"
  | "arp_filter"
  | "arp_ignore"
  | "promote_secondaries"
  | "rp_filter";

/** Settings and their values. */
export type InterfaceSettings = Readonly<Partial<Record<InterfaceSysctl, number>>>;

/** Whether this host forwards IPv6 on the interface, as a router does; false where nobody can tell. */
export function forwardsIpv6(interfaceName: string): boolean {
  try {
    return readFileSync(`/proc/sys/net/ipv6/conf/${interfaceName}/forwarding`, "latin1").trim() !== "0";
  } catch {
    return false;
  }
}

/** A setting that could not be made; `errno` is positive. */
export interface RefusedSysctl {
  readonly key: InterfaceSysctl;
  readonly errno: number;
}

/** Sets all of them; returns those that were refused. */
export function applyInterfaceSettings(interfaceName: string, settings: InterfaceSettings): RefusedSysctl[] {
  return entriesOf(settings)
    .map(([key, value]) => ({ key, errno: -writeInterfaceSysctl(interfaceName, key, value) }))
    .filter(({ errno }) => errno !== 0);
}

/** Settings that somebody needs on an interface for now. */
export interface HeldSettings {
  readonly refused: readonly RefusedSysctl[];
  /** Gives back what was there before, unless another holder needs the same or somebody else changed it meanwhile. */
  release(): void;
}

interface Held {
  before: number;
  value: number;
  holders: number;
}

/**
 * Settings of interfaces that are not ours, with the values they had before. Several virtual routers on one interface need
 * the same; the last to release gives the old values back. One object serves the whole process.
 */
export class InterfaceSysctls {
  private readonly held = new Map<string, Held>();

  /** @param nameOf the name of an interface now (it may be renamed while held); null: it is gone */
  constructor(
    private readonly nameOf: (ifindex: number) => string | null,
    /** {@link before} of the program that was here before. */
    private readonly formerly: Readonly<Record<string, number>> = {},
  ) {}

  /** What is held, by interface and setting, and the value it had before. */
  get before(): Record<string, number> {
    return Object.fromEntries([...this.held].map(([setting, { before }]) => [setting, before]));
  }

  /** Sets all of them until released. */
  hold(ifindex: number, settings: InterfaceSettings): HeldSettings {
    const refused: RefusedSysctl[] = [];
    const releases: (() => void)[] = [];
    for (const [key, value] of entriesOf(settings)) {
      const code = this.take(ifindex, key, value);
      if (code < 0) refused.push({ key, errno: -code });
      else releases.push(() => this.giveBack(ifindex, key));
    }
    return {
      refused,
      release() {
        for (const release of releases.splice(0)) release();
      },
    };
  }

  private take(ifindex: number, key: InterfaceSysctl, value: number): number {
    const name = this.nameOf(ifindex);
    if (name === null) return -constants.errno.ENODEV;
    const held = this.held.get(`${ifindex} ${key}`);
    const now = readInterfaceSysctl(name, key);
    if (now < 0) return now;
    const before = held?.before ?? this.formerly[`${ifindex} ${key}`] ?? now;
    // Where /proc/sys is read-only, what is right already is no refusal.
    const code = now === value ? 0 : writeInterfaceSysctl(name, key, value);
    if (code === 0) this.held.set(`${ifindex} ${key}`, { before, value, holders: (held?.holders ?? 0) + 1 });
    return code;
  }

  private giveBack(ifindex: number, key: InterfaceSysctl): void {
    const held = this.held.get(`${ifindex} ${key}`);
    if (held === undefined || --held.holders > 0) return;
    this.held.delete(`${ifindex} ${key}`);
    const name = this.nameOf(ifindex);
    if (name !== null && readInterfaceSysctl(name, key) === held.value) writeInterfaceSysctl(name, key, held.before);
  }
}

/** Value of a setting, or `-errno`: ENOENT no such interface. */
function readInterfaceSysctl(interfaceName: string, key: InterfaceSysctl): number {
  try {
    return Number(readFileSync(pathOf(interfaceName, key), "latin1"));
  } catch (failure) {
    return negativeErrno(failure);
  }
}

/** 0, or `-errno`: ENOENT no such interface, EROFS or EACCES where a container may not. */
function writeInterfaceSysctl(interfaceName: string, key: InterfaceSysctl, value: number): number {
  try {
    writeFileSync(pathOf(interfaceName, key), String(value));
    return 0;
  } catch (failure) {
    return negativeErrno(failure);
  }
}

function pathOf(interfaceName: string, key: InterfaceSysctl): string {
  return `/proc/sys/net/ipv4/conf/${interfaceName}/${key}`;
}

function entriesOf(settings: InterfaceSettings): [InterfaceSysctl, number][] {
  return Object.entries(settings) as [InterfaceSysctl, number][];
}

function negativeErrno(failure: unknown): number {
  const { errno } = failure as NodeJS.ErrnoException;
  if (errno === undefined) throw failure;
  return -Math.abs(errno);
}
