import type { GlobalConfig } from "../config/schema.ts";
import { UserError } from "../core/errors.ts";
import { findGroup, findUser } from "../net/accounts.ts";
import type { ProxyStart } from "../proxy/protocol.ts";

const EXIT_FAILED = 1;
/** Whom the proxy process becomes when root starts it and the configuration names nobody. */
const FALLBACK = "nobody";

/** Whom the proxy process is to become, and what to tell the operator about it. */
export interface AccountChoice {
  account: ProxyStart["account"];
  warning: string | null;
}

/**
 * Started as root, the proxy process becomes `[global] user/group`, or `nobody`: the process that reads what clients send
 * never runs as root. Started by anybody else it stays that user. Throws UserError for an account that does not exist.
 */
export function chooseAccount(global: GlobalConfig, uid: number): AccountChoice {
  const { user, group } = global;
  if (uid !== 0) {
    // A service manager may have made us that user already.
    const asWanted = user !== null && (user === uid || findUser(user)?.uid === uid);
    const ignored = (user !== null || group !== null) && !asWanted;
    const warning = ignored
      ? `[global] user/group is ignored: only root can change to another account (we are uid ${uid})`
      : null;
    return { account: null, warning };
  }
  const chosen = findUser(user ?? FALLBACK);
  if (chosen === null && typeof user !== "number") {
    throw new UserError(
      `[global] user "${user ?? FALLBACK}" does not exist\n  create it, e.g.: useradd --system --no-create-home ${user ?? FALLBACK}`,
      EXIT_FAILED,
    );
  }
  const gid = group === null ? (chosen?.gid ?? Number(user)) : findGroup(group);
  if (gid === null)
    throw new UserError(
      `[global] group "${group}" does not exist\n  create it, e.g.: groupadd --system ${group}`,
      EXIT_FAILED,
    );
  return {
    // A number without an account has no supplementary groups to look up.
    account: { name: chosen?.name ?? null, uid: chosen?.uid ?? Number(user), gid },
    warning: user === null ? `[global] user is not set: the proxy process runs as "${FALLBACK}"` : null,
  };
}
