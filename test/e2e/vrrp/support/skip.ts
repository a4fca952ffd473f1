import { canMakeNetns } from "../../../support/netns.ts";
import { tool } from "../../../support/tools.ts";

/** True when the LAN or the real daemons are not to be had here; the missing ones are recorded. */
export function cannotMakeLan(): boolean {
  return [canMakeNetns(), ...(["keepalived", "haproxy", "killall", "tcpdump", "socat"] as const).map(tool)].some(
    (got) => !got,
  );
}
