import { issueLine } from "../config/explain.ts";
import { loadServedFile } from "../supervisor/configFile.ts";
import { HANDOFF_VERSION } from "../supervisor/handoff.ts";
import { type Incumbent, successionProblem } from "../supervisor/succession.ts";
import { ExitCode } from "./exit.ts";
import { print } from "./print.ts";
import { translateHaproxy } from "./translate.ts";

/**
 * `(successor) VERSION FILE INCUMBENT`: whether this program can take the place of one that hands over in that version, with this
 * configuration file; see supervisor/succession.ts. Not for people: a supervisor asks the program on disk before it executes it. Exit status 0 if so;
 * otherwise stderr says why not.
 */
export async function canSucceed([version, path, incumbent]: readonly string[]): Promise<number> {
  if (version !== String(HANDOFF_VERSION) || path === undefined || incumbent === undefined) {
    print("stderr", `this version hands over differently (${HANDOFF_VERSION}, not ${version}): restart instead\n`);
    return ExitCode.failed;
  }
  const { config, issues } = await loadServedFile(path, translateHaproxy);
  if (config !== null) {
    const problem = successionProblem(config, JSON.parse(incumbent) as Incumbent);
    if (problem === null) return ExitCode.ok;
    print("stderr", `${path}: ${problem}\n`);
    return ExitCode.failed;
  }
  const errors = issues.filter(({ severity }) => severity === "error");
  print("stderr", errors.map((issue) => `${issueLine(issue, path)}\n`).join(""));
  return ExitCode.badConfig;
}
