import type { NetworkCapability, NetworkInterface } from "../core/networkHost.ts";
import type { Raw } from "./inherit.ts";
import type { Finding } from "./issue.ts";
import type { Path } from "./places.ts";
import type { Config } from "./schema.ts";

/** What the rules may know about the machine; given by the caller, so that the same file has the same answer in a test. */
export interface Environment {
  /** Number of CPUs, the default of `threads`. */
  readonly cpus: number;
  /** The kernel's range of ports for outgoing connections (net.ipv4.ip_local_port_range); null: unknown. */
  readonly ephemeralPorts: { readonly low: number; readonly high: number } | null;
  /** Accounts of this machine; left out: unknown, and nothing is said about them. */
  readonly accounts?: { readonly users: ReadonlySet<string>; readonly groups: ReadonlySet<string> };
  /** Network interfaces of this machine by name; left out: unknown, and nothing is said about them. */
  readonly interfaces?: ReadonlyMap<string, NetworkInterface>;
  /** What this process lacks to set addresses and to send adverts; left out: unknown. */
  readonly missingCapabilities?: readonly NetworkCapability[];
  /** Why the program at an absolute path cannot be run, as the end of "PATH …"; null: it can. Left out: nobody knows. */
  readonly programProblem?: (path: string) => string | null;
  /** Why the proxy process cannot be locked into a directory, as the end of "PATH …"; null: it can. Left out: nobody knows. */
  readonly chrootProblem?: (path: string) => string | null;
  /** Whether there is something at an absolute path; left out: nobody knows. */
  readonly isThere?: (path: string) => boolean;
  /** How many files a process started like this one can have open; left out: unknown, or somebody else says it. */
  readonly openFiles?: number | null;
  /** Why the runtime would not work in it; null: it would. Left out as well. */
  readonly runtimeProblem?: string | null;
  /**
   * true: an interface that is not there refuses the file. Otherwise it is a warning: when a host boots, the service may
   * start before the interface exists.
   */
  readonly strictHost?: boolean;
}

/** What a rule looks at. */
export interface RuleContext {
  /** The document as written, without the values that the schema refused. */
  readonly document: Raw;
  /** The same, resolved. */
  readonly config: Config;
  readonly environment: Environment;
  /** Where a resolved log, listen, server, script or instance stands in the file. */
  origin(part: object): Path;
  /** True when the schema refused something at one of these paths, above or below it: its absence says nothing then. */
  spoiled(...paths: readonly Path[]): boolean;
  /** The first of several paths that the file has: where an inherited value comes from. The last one if it has none. */
  written(...paths: readonly Path[]): Path;
}

/** A rule between keys: what the schema of one key alone cannot know. */
export type Rule = (context: RuleContext) => Finding[];

/** A finding that refuses the file. */
export function error(path: Path, message: string, hint: string, found?: unknown): Finding {
  return { severity: "error", path, message, hint, found };
}

/** A finding that lets the file pass. */
export function warning(path: Path, message: string, hint: string, found?: unknown): Finding {
  return { severity: "warning", path, message, hint, found };
}

/** The same, pointing at the key. */
export function atKey(finding: Finding): Finding {
  return { ...finding, atKey: true };
}
