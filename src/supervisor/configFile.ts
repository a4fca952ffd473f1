import { type LoadedFile, loadConfigFile, systemEnvironment, type Translate } from "../config/load.ts";
import { openAsOwner } from "../net/asOwner.ts";

/**
 * Reads and judges the file that a supervisor is to run, as root also where only its owner may: root without
 * CAP_DAC_OVERRIDE could read it at no reload else. What the host lacks for it is no error here, but said at start.
 */
export function loadServedFile(path: string, translate: Translate): Promise<LoadedFile> {
  return loadConfigFile(path, systemEnvironment({ strictHost: false }), { openElse: openAsOwner, translate });
}
