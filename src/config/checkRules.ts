import { isRaw, type Raw, rawTable, rawTables } from "./inherit.ts";
import type { Finding } from "./issue.ts";
import type { Path } from "./places.ts";
import { atKey, error, type Rule, warning } from "./rules.ts";
import { formatDuration } from "./units.ts";

/** Every check table of the file, wherever one may stand. */
function checkTables(document: Raw): { readonly path: Path; readonly check: Raw }[] {
  const listens = Object.keys(rawTable(document, "listen")).map((name): Path => ["listen", name]);
  return [["defaults"] as Path, ...listens].flatMap((path) => {
    const owner =
      path.length === 1 ? rawTable(document, "defaults") : rawTable(rawTable(document, "listen"), String(path[1]));
    const owners = [
      { path, table: owner as Raw | null },
      { path: [...path, "default_server"], table: rawTable(owner, "default_server") },
      ...rawTables(owner, "server").map((table, index) => ({ path: [...path, "server", index], table })),
    ];
    return owners.flatMap(({ path: at, table }) =>
      table !== null && isRaw(table.check) ? [{ path: [...at, "check"], check: table.check }] : [],
    );
  });
}

const PATTERNS = ["string", "regex", "binary"];
const ACTIONS = ["connect", "send", "expect"];

/** What a check asks is said once and in one way. */
export const checkScripts: Rule = ({ document, spoiled }) =>
  checkTables(document).flatMap(({ path, check }): Finding[] => {
    if (spoiled([...path, "expect"], [...path, "send"], [...path, "step"])) return [];
    const findings = expectFindings(check.expect, [...path, "expect"]);
    if (!Array.isArray(check.step)) return findings;
    const rival = ["send", "expect"].find((key) => key in check);
    if (rival !== undefined) {
      const message = `${rival} and step cannot stand together: the check would be said twice`;
      findings.push(atKey(error([...path, rival], message, "move it into a step")));
    }
    if (check.step.length === 0) {
      findings.push(error([...path, "step"], "the list of steps is empty", "remove step for a plain connect check"));
    }
    const steps = rawTables(check, "step");
    return [...findings, ...steps.flatMap((step, index) => (step ? stepFindings(step, [...path, "step", index]) : []))];
  });

function stepFindings(step: Raw, path: Path): Finding[] {
  const findings = expectFindings(step.expect, [...path, "expect"]);
  const said = ACTIONS.filter((key) => key in step);
  if (said.length !== 1) {
    const what = said.length === 0 ? "this step does nothing" : `this step says ${said.join(" and ")}`;
    findings.push(atKey(error(path, what, "a step is exactly one of connect, send and expect")));
  }
  if (step.connect === false) {
    findings.push(
      error([...path, "connect"], "connect = false does nothing", "write connect = true, or remove the step"),
    );
  }
  if ("port" in step && !("connect" in step)) {
    findings.push(atKey(error([...path, "port"], "only a connect step has a port", "add connect = true")));
  }
  return findings;
}

function expectFindings(expect: unknown, path: Path): Finding[] {
  if (!isRaw(expect)) return [];
  const said = PATTERNS.filter((key) => key in expect);
  if (said.length === 1) return [];
  const what = said.length === 0 ? "expect has no pattern" : `expect has ${said.length} patterns: ${said.join(", ")}`;
  return [error(path, what, "write exactly one of string, regex and binary")];
}

/** HAProxy's defaults have the same trap: the next check is due before this one may be given up. */
export const checkTimes: Rule = ({ config, origin, written }) =>
  config.listens.flatMap((listen) =>
    listen.servers.flatMap(({ check, ...server }, index): Finding[] => {
      const timeoutMs = check?.timeoutMs ?? null;
      if (check === null || timeoutMs === null || check.intervalMs >= timeoutMs) return [];
      const own = origin(listen.servers[index] as object);
      const at = (key: string) =>
        [own, [...origin(listen), "default_server"], origin(listen), ["defaults", "default_server"], ["defaults"]].map(
          (place): Path => [...place, "check", key],
        );
      const message = `the check's interval ${formatDuration(check.intervalMs)} is shorter than its timeout ${formatDuration(timeoutMs)}: a dead server is noticed late`;
      const path = written(...at("interval"), ...at("timeout"), own);
      return [warning(path, message, "make the interval at least as long as the timeout", server.name)];
    }),
  );
