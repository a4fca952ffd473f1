import type { Ledger } from "../ledger.ts";
import { SECTION_REASONS } from "./leftOut.ts";
import { readProxy } from "./readProxy.ts";
import type { Section } from "./sections.ts";
import { inheritedFrom, noSettings, type ProxySection, type Settings } from "./settings.ts";

/** The sections of a file by what they are for. */
export interface Proxies {
  readonly globals: readonly Section[];
  readonly proxies: readonly ProxySection[];
}

/** Resolves the inheritance of defaults, of which there may be several, and reads every proxy. */
export function readProxies(sections: readonly Section[], ledger: Ledger): Proxies {
  const globals: Section[] = [];
  const proxies: ProxySection[] = [];
  const named = new Map<string, Settings>();
  let last = noSettings();
  for (const section of sections) {
    const parent = section.from === null ? last : named.get(section.from);
    if (section.from !== null && parent === undefined) {
      ledger.note({ line: section.header.line }, `there are no defaults called "${section.from}" before this line`);
    }
    switch (section.kind) {
      case "global":
        globals.push(section);
        break;
      case "defaults": {
        // Defaults inherit from others only where they say so.
        const settings = section.from === null ? noSettings() : inheritedFrom(parent ?? noSettings());
        last = inheritedFrom(readProxy(section, settings, ledger).settings);
        if (section.name !== "") named.set(section.name, last);
        break;
      }
      case "listen":
      case "frontend":
      case "backend":
        proxies.push(readProxy(section, inheritedFrom(parent ?? noSettings()), ledger));
        break;
      default:
        leaveSectionOut(section, ledger);
    }
  }
  return { globals, proxies };
}

/** A section that is not carried over: one finding, and all of its lines. */
export function leaveSectionOut(
  section: Section,
  ledger: Ledger,
  why?: string,
  nearest = "",
  carriesTraffic = false,
): void {
  const reason = SECTION_REASONS[section.kind];
  ledger.leftOut(
    section.header,
    why ?? reason?.why ?? "",
    why === undefined ? reason?.nearest : nearest,
    carriesTraffic,
  );
  for (const { line, before } of [section.header, ...section.statements]) {
    ledger.mark(line, "left out");
    for (const comment of before) ledger.mark(comment, "left out");
  }
}
