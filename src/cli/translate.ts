import { fileIssue, type Issue } from "../config/issue.ts";
import type { Translate, Translation } from "../config/load.ts";
import { importFiles } from "../import/importFiles.ts";
import { ImportError } from "../import/source.ts";
import { importWorld } from "./import.ts";

/** Takes a file called NAME.cfg for one of HAProxy's and imports it in memory; its findings are warnings. */
export const translateHaproxy: Translate = (path, text) => (path.endsWith(".cfg") ? translated(path, text) : null);

/** The same for NAME.conf, keepalived's. */
export const translateKeepalived: Translate = (path, text) => (path.endsWith(".conf") ? translated(path, text) : null);

async function translated(path: string, text: string): Promise<Translation | Issue> {
  // Only now: what asks the kernel needs the compiler, and `check` must be able to say that there is none.
  const { handedInAddresses } = await import("../supervisor/handedIn.ts");
  const world = importWorld();
  try {
    const { toml, findings, originOf } = importFiles([{ path, text }], {
      ...world,
      variables: { ...world.variables, ...handedInAddresses() },
    });
    const issues = findings.map(
      ({ kind, line, column, length, text: found, why, nearest }): Issue => ({
        severity: "warning",
        line,
        column,
        length,
        path: "",
        found,
        message: `${kind}: ${why}`,
        hint: nearest,
      }),
    );
    return {
      toml,
      issues,
      originOf(at) {
        const line = originOf(at);
        if (line === null) return null;
        const indent = line.text.length - line.text.trimStart().length;
        return { line: line.number, column: indent + 1, length: Math.max(1, [...line.text.trim()].length) };
      },
    };
  } catch (error) {
    if (!(error instanceof ImportError)) throw error;
    const issue = fileIssue(error.message, "");
    return error.line === null ? issue : { ...issue, line: error.line, column: error.column, length: 1 };
  }
}
