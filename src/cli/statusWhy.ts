import { UserError } from "../core/errors.ts";
import type { NoSuchName } from "../stats/why/explain.ts";
import { renderWhy } from "../stats/why/text.ts";
import type { Why } from "../stats/why/why.ts";
import { complain } from "./complain.ts";
import { ExitCode } from "./exit.ts";
import { print, wantsColour } from "./print.ts";

/** `status --why NAME`: 0 it is well, 1 it is not, 2 there is nothing of that name. */
export async function printWhy(
  ask: (command: string) => Promise<string>,
  name: string,
  json: boolean,
): Promise<number> {
  const why = parseWhy(await ask(`show why ${escapeWord(name)} json`));
  if ("unknown" in why) {
    await complain(why.unknown);
    return ExitCode.usage;
  }
  print("stdout", json ? `${JSON.stringify(why, null, 2)}\n` : renderWhy(why, Date.now(), wantsColour("stdout")));
  return why.healthy ? ExitCode.ok : ExitCode.failed;
}

/** One word of the runtime API, whatever stands in it. Throws UserError for what no name has. */
function escapeWord(name: string): string {
  if (/[\r\n]/.test(name)) throw new UserError("a name is one line", ExitCode.usage);
  return name.replace(/[\\; \t]/g, "\\$&");
}

function parseWhy(text: string): Why | NoSuchName {
  try {
    return JSON.parse(text) as Why | NoSuchName;
  } catch {
    throw new UserError("the running one explains nothing: it is of another version", ExitCode.failed);
  }
}
