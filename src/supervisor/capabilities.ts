import type { GlobalConfig } from "../config/schema.ts";
import {
  CAP_KILL,
  CAP_NET_ADMIN,
  CAP_NET_BIND_SERVICE,
  CAP_NET_RAW,
  CAP_SETGID,
  CAP_SETUID,
  CAP_SYS_CHROOT,
  keepCapabilities,
} from "../net/capabilities.ts";

/**
 * What the supervisor may go on needing: virtual addresses and adverts, listeners of a later configuration, the accounts
 * of proxy processes and scripts, and signals to them.
 */
const KEPT = [CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_NET_RAW];

/**
 * Gives up every other capability, for the proxy processes and scripts that are started from now on as well. Call it when
 * limits are raised and what is in other people's directories has been made. Throws SystemError.
 */
export function shedCapabilities({ chroot }: Pick<GlobalConfig, "chroot">): void {
  keepCapabilities(chroot === null ? KEPT : [...KEPT, CAP_SYS_CHROOT]);
}
