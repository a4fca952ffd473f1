import { GROUP_FAULT, type GroupLink, type VirtualRouter } from "./router.ts";
import type { Cause } from "./transitions.ts";

/**
 * keepalived's vrrp_sync_group: its members are MASTER together or not at all. One in FAULT brings FAULT to all; one that
 * leaves MASTER takes all with it; and they become MASTER when the timer of every one has expired. Weights of members
 * count as anywhere else (keepalived drops them unless told otherwise): whatever they do to one, all move as one.
 */
export class SyncGroup implements GroupLink {
  private settling = false;
  private again = false;
  private dissolved = false;

  constructor(
    readonly name: string,
    /** In the order of the configuration. */
    readonly members: readonly VirtualRouter[],
  ) {
    for (const member of members) member.join(this);
  }

  /** It moves nobody any more. Its members are on their own again, but for those that another group takes over at once. */
  dissolve(takenOver: ReadonlySet<VirtualRouter> = new Set()): void {
    this.dissolved = true;
    const freed = this.members.filter((member) => !takenOver.has(member));
    for (const member of freed) member.join(null);
    for (const member of freed) member.setFault(GROUP_FAULT, null);
  }

  settle(): void {
    this.again = true;
    if (this.settling || this.dissolved) return;
    this.settling = true;
    try {
      while (this.again) {
        this.again = false;
        this.shareFaults();
        if (this.members.every((member) => member.isReady || member.state === "MASTER")) {
          for (const member of this.members) if (member.isReady) member.promote();
        }
      }
    } finally {
      this.settling = false;
    }
  }

  leftMaster(leaver: VirtualRouter, cause: Cause): void {
    if (this.dissolved) return;
    for (const member of this.members) if (member !== leaver) member.yieldWith(this.name, leaver.name, cause);
  }

  private shareFaults(): void {
    for (const member of this.members) {
      const faulty = this.members.find((other) => other !== member && other.ownFaults.length > 0);
      const sentence =
        faulty === undefined
          ? null
          : `sync group ${this.name}: ${faulty.name} is in FAULT: ${faulty.ownFaults.join("; ")}`;
      member.setFault(GROUP_FAULT, sentence);
    }
  }
}
