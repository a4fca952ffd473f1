import { type Command, shellText } from "./command.ts";
import { ownerText } from "./item.ts";
import { MANIFEST, SERVICE } from "./paths.ts";
import type { Step, Verdict } from "./plan.ts";
import type { RemovalStep } from "./removal.ts";

interface Row {
  verdict: string;
  what: string;
  mode: string;
  owner: string;
  why: string | null;
}

/**
 * The plan as a list: what is done, to what, mode and owner. Ends with a newline.
 *
 * @param manifest what is done about the manifest
 */
export function describePlan(steps: readonly Step[], manifest: Verdict, commands: readonly Command[]): string {
  const why = "what uninstall will remove";
  const manifestRow = { verdict: manifest, what: MANIFEST, mode: "0644", owner: "root:root", why };
  return table([...steps.map(stepRow), manifestRow, ...commands.map(commandRow)]);
}

/** The plan of a removal as a list. */
export function describeRemoval(steps: readonly RemovalStep[]): string {
  return table(
    steps.map((step) => {
      const row = { verdict: step.verdict, mode: "", owner: "", why: step.verdict === "run" ? null : step.why };
      if (step.verdict === "run") return { ...row, what: shellText(step.argv) };
      const { entry } = step;
      return { ...row, what: entry.kind === "account" ? `account ${entry.name}` : "path" in entry ? entry.path : "" };
    }),
  );
}

function stepRow(step: Step): Row {
  if (step.verdict === "remove") return { verdict: step.verdict, what: step.path, mode: "", owner: "", why: step.why };
  const { verdict, item, why } = step;
  switch (item.kind) {
    case "account":
      return {
        verdict,
        what: `account ${item.name}`,
        mode: "",
        owner: "",
        why: `system user and group, ${item.shell}`,
      };
    case "link":
      return { verdict, what: `${item.path} -> ${item.target}`, mode: "", owner: "", why };
    default:
      // Somebody else's, with rights of his.
      if (verdict === "keep" && why !== null) return { verdict, what: item.path, mode: "", owner: "", why };
      return {
        verdict,
        what: item.kind === "directory" ? `${item.path}/` : item.path,
        mode: item.mode.toString(8).padStart(4, "0"),
        owner: ownerText(item.owner, SERVICE),
        why,
      };
  }
}

function commandRow({ argv, onlyIf, unless }: Command): Row {
  const why =
    onlyIf !== null ? `if ${shellText(onlyIf)} succeeds` : unless !== null ? "unless that is so already" : null;
  return { verdict: "run", what: shellText(argv), mode: "", owner: "", why };
}

function table(rows: readonly Row[]): string {
  const widest = (column: "verdict" | "what" | "owner"): number =>
    // Links and commands may be as long as they like: they have nothing to the right.
    Math.max(0, ...rows.filter(({ mode }) => column === "verdict" || mode !== "").map((row) => row[column].length));
  const [verdict, what, owner] = [widest("verdict"), widest("what"), widest("owner")];
  return rows
    .map((row) => {
      const left = `${row.verdict.padEnd(verdict)}  `;
      const why = row.why === null ? "" : `(${row.why})`;
      const cells = row.mode === "" ? [row.what, why] : [row.what.padEnd(what), row.mode, row.owner.padEnd(owner), why];
      return `${left}${cells.filter((cell) => cell !== "").join("  ")}`.trimEnd();
    })
    .map((line) => `${line}\n`)
    .join("");
}
