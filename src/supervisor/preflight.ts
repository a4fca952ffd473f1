import type { Config } from "../config/schema.ts";
import { addressSpaceProblem } from "../core/limits.ts";
import { chooseAccount } from "./account.ts";
import { fitFileLimit } from "./fileLimit.ts";
import type { ProxyTerms } from "./proxyHost.ts";

/**
 * What a configuration comes to on this host, for whoever starts with this uid: what cannot be as the file has it is said,
 * and done without. Throws UserError when not even one connection could be served.
 */
export function preflight(
  config: Config,
  uid: number,
  warn: (text: string) => void,
): Pick<ProxyTerms, "maxconn" | "account" | "chroot"> {
  const { account, warning } = chooseAccount(config.global, uid);
  if (warning !== null) warn(warning);
  const chroot = uid === 0 ? config.global.chroot : null;
  if (chroot !== config.global.chroot) warn("[global] chroot is ignored: only root can change it");
  const cramped = addressSpaceProblem();
  if (cramped !== null) warn(cramped);
  return { account, chroot, maxconn: fitFileLimit(config, warn) };
}
