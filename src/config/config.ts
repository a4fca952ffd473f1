import { bindConflicts, ephemeralBinds, serverAddresses } from "./addressRules.ts";
import { checkScripts, checkTimes } from "./checkRules.ts";
import { chroot } from "./chrootRules.ts";
import type { Raw } from "./inherit.ts";
import { type Finding, type Issue, MAX_ISSUES, placeFindings } from "./issue.ts";
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
import { formatPath, type Path } from "./places.ts";
import {
  accounts,
  adminBind,
  adminMode,
  logTargets,
  openFiles,
  runtime,
  somethingToDo,
  statsAccess,
  statsUri,
  tableNames,
  unknownAccounts,
} from "./processRules.ts";
import { resolve } from "./resolve.ts";
import type { Environment, Rule, RuleContext } from "./rules.ts";
import { type Config, fileSchema, type ListenConfig } from "./schema.ts";
import { soundPart } from "./sound.ts";
import { vrrpCommands, vrrpPrograms } from "./vrrpCommandRules.ts";
import { vrrpAddresses, vrrpIdentities, vrrpLeftovers, vrrpScriptNames, vrrpVirtualMacs } from "./vrrpGroupRules.ts";
import { vrrpInterfaces, vrrpPrivileges } from "./vrrpHostRules.ts";
import { vrrpInstances } from "./vrrpRules.ts";
import { vrrpPriorities, vrrpReferences, vrrpServices, vrrpTrackedListens } from "./vrrpTrackRules.ts";
import { dateFindings, zodFindings } from "./zodFindings.ts";

const RULES: readonly Rule[] = [
  accounts,
  unknownAccounts,
  chroot,
  openFiles,
  runtime,
  somethingToDo,
  logTargets,
  statsAccess,
  statsUri,
  adminMode,
  adminBind,
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
  vrrpTrackedListens,
  vrrpPriorities,
  vrrpServices,
  vrrpIdentities,
  vrrpVirtualMacs,
  vrrpAddresses,
  vrrpScriptNames,
  vrrpCommands,
  vrrpPrograms,
  vrrpLeftovers,
  vrrpPrivileges,
  vrrpInterfaces,
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
  // Nobody mends more than that in one go, and what is left of such a file is not worth the rules.
  if (typed.length > MAX_ISSUES) {
    const issues = placeFindings(typed, parsed.places, parsed.lines);
    return { config: null, issues, parsed, findings: typed, origin: () => [] };
  }
  const document = sound(parsed.document, typed);
  const { config: unordered, origins } = resolve(document, environment.cpus);
  const origin = (part: object): Path => origins.get(part) ?? [];
  const offset = (listen: ListenConfig) => parsed.places.find(origin(listen))?.key?.offset ?? 0;
  // JavaScript puts a listen called "8080" before all others; the statistics go by the order of the file.
  const config = { ...unordered, listens: unordered.listens.toSorted((a, b) => offset(a) - offset(b)) };
  const context: RuleContext = {
    document,
    config,
    environment,
    origin,
    spoiled: spoiledBy(typed.map(({ path }) => path)),
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

/** Answers `spoiled`: whether one of `wrong` is the path, is above it or is below it. */
function spoiledBy(wrong: readonly Path[]): (...paths: readonly Path[]) => boolean {
  const exact = new Set(wrong.map(formatPath));
  const above = new Set(wrong.flatMap((path) => path.map((_, length) => formatPath(path.slice(0, length)))));
  return (...paths) =>
    exact.size > 0 &&
    paths.some(
      (path) => above.has(formatPath(path)) || path.some((_, index) => exact.has(formatPath(path.slice(0, index + 1)))),
    );
}

function typeFindings(document: Raw): Finding[] {
  const result = fileSchema.safeParse(document);
  const found = result.success ? [] : zodFindings(result.error, document);
  const said = new Set(found.map(({ path }) => formatPath(path)));
  return [...found, ...dateFindings(document).filter(({ path }) => !said.has(formatPath(path)))];
}
