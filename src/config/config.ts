import { bindConflicts, ephemeralBinds, serverAddresses } from "./addressRules.ts";
import { checkScripts, checkTimes } from "./checkRules.ts";
import type { Raw } from "./inherit.ts";
import { type Finding, type Issue, placeFindings } from "./issue.ts";
import {
  emptyBinds,
  listenLimits,
  missingTimeouts,
  serverKeys,
  serverNames,
  serverSets,
  uncheckedServers,
} from "./listenRules.ts";
import { type Parsed, parseSource, type Source } from "./parse.ts";
import type { Path } from "./places.ts";
import { accounts, adminMode, logTargets, somethingToDo, statsAccess, tableNames } from "./processRules.ts";
import { resolve } from "./resolve.ts";
import type { Environment, Rule, RuleContext } from "./rules.ts";
import { type Config, fileSchema } from "./schema.ts";
import { soundPart } from "./sound.ts";
import { vrrpAddresses, vrrpCommands, vrrpIdentities, vrrpLeftovers, vrrpScriptNames } from "./vrrpGroupRules.ts";
import { vrrpInstances, vrrpReferences } from "./vrrpRules.ts";
import { dateFindings, zodFindings } from "./zodFindings.ts";

const RULES: readonly Rule[] = [
  accounts,
  somethingToDo,
  logTargets,
  statsAccess,
  adminMode,
  tableNames,
  bindConflicts,
  ephemeralBinds,
  emptyBinds,
  serverNames,
  serverAddresses,
  serverKeys,
  serverSets,
  uncheckedServers,
  missingTimeouts,
  listenLimits,
  checkScripts,
  checkTimes,
  vrrpInstances,
  vrrpReferences,
  vrrpIdentities,
  vrrpAddresses,
  vrrpScriptNames,
  vrrpCommands,
  vrrpLeftovers,
];

/** What came out of a file: `config` null as soon as one issue is an error. */
export interface Loaded {
  readonly config: Config | null;
  /** Errors and warnings in the order of the file. */
  readonly issues: readonly Issue[];
}

/** A file that was read, with what is needed to say more about it later. */
export interface Reading extends Loaded {
  readonly parsed: Parsed;
  readonly findings: readonly Finding[];
  /** Where a part of `config` stands in the file. */
  origin(part: object): Path;
}

/**
 * Reads, types and judges a configuration: pure, and all problems in one run. Host names are left as they are
 * (load.ts resolves them).
 */
export function loadConfig(source: Source, environment: Environment): Loaded {
  const { config, issues } = readConfig(source, environment);
  return { config, issues };
}

/** As loadConfig, keeping what load.ts goes on with. */
export function readConfig(source: Source, environment: Environment): Reading {
  const parsed = parseSource(source);
  if (parsed.document === null) {
    return { config: null, issues: parsed.issues, parsed, findings: [], origin: () => [] };
  }
  const typed = typeFindings(parsed.document);
  const document = sound(parsed.document, typed);
  const { config, origins } = resolve(document, environment.cpus);
  const origin = (part: object): Path => origins.get(part) ?? [];
  const context: RuleContext = {
    document,
    config,
    environment,
    origin,
    spoiled: (...paths) => paths.some((path) => typed.some((finding) => overlap(finding.path, path))),
    written: (...paths) => paths.find((path) => parsed.places.find(path) !== null) ?? paths.at(-1) ?? [],
  };
  const findings = [...typed, ...RULES.flatMap((rule) => rule(context))];
  const issues = placeFindings(findings, parsed.places, parsed.lines);
  const valid = findings.every((finding) => finding.severity === "warning");
  return { config: valid ? config : null, issues, parsed, findings, origin };
}

/** What of a document fits the schema: wrong values go, and then what cannot be without them. */
function sound(document: Raw, typed: readonly Finding[]): Raw {
  let part = document;
  let wrong: readonly Path[] = typed.map(({ path }) => path);
  for (let round = 0; wrong.length > 0 && round < 3; round++) {
    part = soundPart(part, wrong);
    const missing = typeFindings(part).filter(({ found }) => found === undefined);
    wrong = missing.map(({ path }) => path.slice(0, -1));
  }
  return part;
}

function overlap(a: Path, b: Path): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  return short.every((step, index) => step === long[index]);
}

function typeFindings(document: Raw): Finding[] {
  const dates = dateFindings(document);
  const result = fileSchema.safeParse(document);
  return result.success ? dates : [...dates, ...zodFindings(result.error, document)];
}
