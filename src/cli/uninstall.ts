import { UserError } from "../core/errors.ts";
import { findAccount } from "../install/accounts.ts";
import { describeRemoval } from "../install/describe.ts";
import { SERVICE } from "../install/paths.ts";
import { listDirectories, look, readManifest, refuseEscapes } from "../install/probe.ts";
import { planRemoval } from "../install/removal.ts";
import { applyRemoval } from "../install/remove.ts";
import { command } from "./command.ts";
import { ExitCode } from "./exit.ts";
import { print } from "./print.ts";
import { findRoot, ignoreSignals, needRoot } from "./root.ts";

/** `uninstall`: takes away what `install` has put there; exit 0, 1 something could not be removed, 4 not root. */
export const uninstallCommand = command({
  meta: { name: "uninstall", description: "Remove what install has put on the host; what was edited since is kept." },
  args: {
    "dry-run": { type: "boolean", description: "print what would be done, and do nothing" },
    root: { type: "string", valueHint: "DIR", description: "remove from a tree" },
    purge: { type: "boolean", description: "remove edited files and logs too" },
  },
  run({ args }) {
    const root = findRoot(args.root);
    const dryRun = args["dry-run"] === true;
    if (!dryRun) needRoot("uninstall");
    const manifest = readManifest(root);
    if (manifest === null) throw new UserError("nothing was installed here by haproxy-lite install", ExitCode.failed);
    const paths = manifest.entries.flatMap((entry) => ("path" in entry ? [entry.path] : []));
    refuseEscapes(root, paths);
    const account = findAccount(root, SERVICE);
    const state = { existing: look(root, paths), children: listDirectories(root, paths), account, root };
    const steps = planRemoval(manifest, state, args.purge === true);
    print("stdout", describeRemoval(steps));
    if (dryRun) return ExitCode.ok;
    ignoreSignals();
    const complaints = applyRemoval(steps, manifest, { root, version: manifest.version, manifest, account });
    for (const complaint of complaints) print("stderr", `haproxy-lite: ${complaint}\n`);
    return complaints.length === 0 ? ExitCode.ok : ExitCode.failed;
  },
});
