import { UserError } from "../core/errors.ts";
import { VERSION } from "../core/version.ts";
import { commandsAfter, notesAfter } from "../install/afterwards.ts";
import { applyPlan, manifestVerdict } from "../install/apply.ts";
import { describePlan } from "../install/describe.ts";
import { itemsFor } from "../install/items.ts";
import { CONFIG } from "../install/paths.ts";
import { pathsOf, planInstall } from "../install/plan.ts";
import { look, probeHost, readManifest, refuseEscapes } from "../install/probe.ts";
import type { CommandSurface } from "../install/surface.ts";
import { command } from "./command.ts";
import { ExitCode } from "./exit.ts";
import { print } from "./print.ts";
import { findRoot, ignoreSignals, needRoot } from "./root.ts";

/**
 * `install`: makes this host, or a tree, treat the program as a service; exit 0, 1 stopped and taken back, 4 not root.
 *
 * @param surface the commands of the program, for manual page and completion
 */
export function installCommand(surface: () => Promise<readonly CommandSurface[]>) {
  return command({
    meta: { name: "install", description: "Install this program as a service: files, account, start at boot." },
    args: {
      "dry-run": { type: "boolean", description: "print what would be done, and do nothing" },
      root: { type: "string", valueHint: "DIR", description: "install into a tree, as builders of images do" },
      sysv: { type: "boolean", description: "install an init script also where systemd runs" },
      firewall: { type: "boolean", description: "let VRRP (IP protocol 112) through the firewall" },
    },
    async run({ args }) {
      const root = findRoot(args.root);
      const dryRun = args["dry-run"] === true;
      if (!dryRun) needRoot("install");
      const facts = probeHost({ root, sysv: args.sysv === true, program: ownExecutable() });
      const items = itemsFor(facts, await surface());
      const manifest = readManifest(root);
      const paths = pathsOf(items, manifest);
      refuseEscapes(root, paths);
      const existing = look(root, paths);
      const plan = planInstall(items, { existing, manifest, account: facts.account });
      const commands = commandsAfter(plan, facts, args.firewall === true);
      const place = { root, version: VERSION, manifest, account: facts.account };
      print("stdout", describePlan(plan.steps, manifestVerdict(place, plan.entries), commands));
      if (!dryRun) {
        ignoreSignals();
        const complaints = applyPlan(plan, commands, place);
        for (const complaint of complaints) print("stderr", `haproxy-lite: ${complaint}\n`);
      }
      const config = existing.get(CONFIG) ?? { kind: "absent" };
      for (const note of notesAfter(plan, facts, args.firewall === true, config)) print("stdout", `\n${note}\n`);
      return ExitCode.ok;
    },
  });
}

/** Run from source there is no executable to install. */
function ownExecutable(): string {
  if (Bun.isStandaloneExecutable) return process.execPath;
  throw new UserError("only the compiled program can be installed: npm run build makes it", ExitCode.failed);
}
