import { type Difference, diffConfig } from "../config/diff.ts";
import { issueLine } from "../config/explain.ts";
import type { LoadedFile } from "../config/load.ts";
import type { Config } from "../config/schema.ts";

/** What a file that was read again means for the running configuration. */
export type ReloadPlan =
  /** It is not valid: nothing changes. `errors`: one line each. */
  | { readonly kind: "refused"; readonly errors: readonly string[] }
  /** It means what runs already. */
  | { readonly kind: "unchanged"; readonly warnings: readonly string[] }
  /** `config` is to run from now on; `waiting` are the differences that it leaves out because they take a restart. */
  | {
      readonly kind: "apply";
      readonly config: Config;
      readonly warnings: readonly string[];
      readonly applied: readonly Difference[];
      readonly waiting: readonly Difference[];
    };

/** Sections that change while everything goes on. */
const IN_PLACE: ReadonlySet<keyof Config> = new Set(["vrrp"]);

/** Compares a file that was read again with what runs. `path` is for the lines. */
export function planReload(running: Config, loaded: LoadedFile, path: string): ReloadPlan {
  const lines = (severity: "error" | "warning") =>
    loaded.issues.filter((issue) => issue.severity === severity).map((issue) => issueLine(issue, path));
  if (loaded.config === null) return { kind: "refused", errors: lines("error") };
  const warnings = lines("warning");
  const differences = diffConfig(running, loaded.config);
  if (differences.length === 0) return { kind: "unchanged", warnings };
  const inPlace = ({ section }: Difference) => IN_PLACE.has(section);
  return {
    kind: "apply",
    config: { ...running, vrrp: loaded.config.vrrp },
    warnings,
    applied: differences.filter(inPlace),
    waiting: differences.filter((difference) => !inPlace(difference)),
  };
}
