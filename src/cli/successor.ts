import { issueLine } from "../config/explain.ts";
import { loadServedFile } from "../supervisor/configFile.ts";
import { chrootProblem } from "../supervisor/confine.ts";
import { HANDOFF_VERSION } from "../supervisor/handoff.ts";
import { ExitCode } from "./exit.ts";
import { print } from "./print.ts";

/**
 * `(successor) VERSION FILE`: whether this program can take the place of one that hands over in that version, with this
 * configuration file. Not for people: a supervisor asks the program on disk before it executes it. Exit status 0 if so;
 * otherwise stderr says why not.
 */
export async function canSucceed([version, path]: readonly string[]): Promise<number> {
  if (version !== String(HANDOFF_VERSION) || path === undefined) {
    print("stderr", `this version hands over differently (${HANDOFF_VERSION}, not ${version}): restart instead\n`);
    return ExitCode.failed;
  }
  const { config, issues } = await loadServedFile(path);
  const problem = config === null ? null : chrootProblem(config);
  if (problem !== null) {
    print("stderr", `${problem}\n`);
    return ExitCode.failed;
  }
  if (config !== null) return ExitCode.ok;
  const errors = issues.filter(({ severity }) => severity === "error");
  print("stderr", errors.map((issue) => `${issueLine(issue, path)}\n`).join(""));
  return ExitCode.badConfig;
}
