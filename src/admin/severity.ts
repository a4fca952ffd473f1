import { LEVELS, Level } from "../core/syslogCodes.ts";
import type { SeverityOutput } from "./session.ts";

/** What stands before a message, as `set severity-output` has it: nothing, "[3]: " or "[err]: ". */
export function severityMark(severity: Level, output: SeverityOutput): string {
  if (output === "none") return "";
  const name = Object.keys(LEVELS).find((each) => LEVELS[each] === severity);
  return `[${output === "number" ? severity : name}]: `;
}

/** A line of commands whose answers tell, to {@link readMarked}, whether they are refusals. Any HAProxy understands it. */
export function markedCommand(command: string): string {
  return `set severity-output number;${command}`;
}

/** What was answered to a {@link markedCommand}, without the marks, and whether any of it is a refusal. */
export function readMarked(answer: string): { text: string; refused: boolean } {
  let refused = false;
  const text = answer.replace(/^\n/, "").replace(/^\[([0-7])\]: /gm, (_mark, severity: string) => {
    refused ||= Number(severity) <= Level.err;
    return "";
  });
  return { text, refused };
}
