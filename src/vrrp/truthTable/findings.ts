import type { Finding, Match } from "./finding.ts";
import { IDENTITY_RULES } from "./identityFindings.ts";
import { type Pair, type Subject, subjectsOf } from "./pair.ts";
import { PRIORITY_RULES } from "./priorityFindings.ts";
import { SERVICE_RULES } from "./serviceFindings.ts";

/** All that is wrong between two files, each sentence once. */
export function findingsOf(pair: Pair): Finding[] {
  const found = subjectsOf(pair).flatMap((subject) => {
    const match = matchOf(pair, subject);
    if (match === null) return [unpaired(pair, subject)];
    return [...IDENTITY_RULES, ...PRIORITY_RULES, ...SERVICE_RULES].flatMap((rule) => rule(match));
  });
  const seen = new Set<string>();
  return found.filter(({ subject, message }) => {
    const key = `${subject}\n${message}`;
    return !seen.has(key) && seen.add(key);
  });
}

function matchOf(pair: Pair, subject: Subject): Match | null {
  const [a, b] = subject.instances;
  if (a === null || b === null) return null;
  return {
    pair,
    subject,
    a,
    b,
    names: [pair[0].name, pair[1].name],
    find: (code, message, hint) => ({ code, subject: subject.name, message, hint }),
  };
}

function unpaired(pair: Pair, { name, instances }: Subject): Finding {
  const [having, lacking] = instances[0] === null ? [pair[1], pair[0]] : pair;
  return {
    code: "unpaired",
    subject: name,
    message: `only ${having.name} has it: nobody takes over when that host fails`,
    hint: `add it on ${lacking.name}, with the same virtual_router_id and addresses`,
  };
}

export type { Finding, FindingCode } from "./finding.ts";
