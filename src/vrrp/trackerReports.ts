import type { VrrpInstanceConfig, VrrpScriptConfig } from "../config/schema.ts";
import type { TrackerReport } from "./priority.ts";
import { type FileValue, fileEffect } from "./trackers/fileValue.ts";

/** What is known of a thing that is tracked. */
export interface TrackedState {
  readonly state: "unknown" | "ok" | "failed";
  /** In words; "" for nothing to say. */
  readonly detail: string;
}

/** How everything stands that may be tracked. */
export interface Tracked {
  proxy(): TrackedState;
  listen(name: string): TrackedState;
  interface(name: string): TrackedState;
  script(name: string): TrackedState;
  /** null: not read yet. */
  file(path: string): FileValue | null;
}

/** What an instance tracks, in its own weights, in the order of its sum. Every script that it names is one of `scripts`. */
export function trackerReports(
  instance: VrrpInstanceConfig,
  scripts: readonly VrrpScriptConfig[],
  tracked: Tracked,
): TrackerReport[] {
  const { trackProxy, trackListen, trackInterface, trackScript, trackFile } = instance;
  return [
    ...(trackProxy === null ? [] : [{ tracker: "proxy", ...weightOf(trackProxy), ...tracked.proxy() }]),
    ...trackListen.map((use) => ({ tracker: `listen ${use.name}`, ...weightOf(use), ...tracked.listen(use.name) })),
    ...trackInterface.map((use) => ({
      tracker: `interface ${use.name}`,
      ...weightOf(use),
      ...tracked.interface(use.name),
    })),
    ...trackScript.map(({ name, weight, reverse }) => {
      const script = scripts.find((each) => each.name === name);
      if (script === undefined) throw new Error(`no script ${name}`); // config/vrrpTrackRules.ts refuses such a file
      const use = { weight: weight ?? script.weight, reverse: reverse !== script.reverse };
      return { tracker: `script ${name}`, ...use, ...tracked.script(name) };
    }),
    ...trackFile.map((use) => fileReport(use, tracked.file(use.file))),
  ];
}

function fileReport(
  { file, weight, reverse }: VrrpInstanceConfig["trackFile"][number],
  value: FileValue | null,
): TrackerReport {
  const tracker = `file ${file}`;
  if (value === null) return { tracker, weight, reverse, state: "unknown", amount: 0, fault: false, detail: "" };
  // The effect has `reverse` in it already.
  const effect = fileEffect(value.value, weight, reverse);
  const detail = value.detail === "" ? `says ${value.value}` : value.detail;
  return { tracker, weight, reverse: false, state: effect.fault ? "failed" : "ok", ...effect, detail };
}

function weightOf({ weight, reverse }: { readonly weight: number; readonly reverse: boolean }) {
  return { weight, reverse };
}
