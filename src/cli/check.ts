import { countIssues, explain } from "../config/explain.ts";
import { jsonSchema } from "../config/jsonSchema.ts";
import { loadConfigFile, systemEnvironment } from "../config/load.ts";
import type { Resolver } from "../config/names.ts";
import type { Environment } from "../config/rules.ts";
import { UserError } from "../core/errors.ts";
import { resolveHost } from "../core/host.ts";
import { openFilesWithin } from "../core/limits.ts";
import { runtimeProblem } from "../supervisor/runtimeProblem.ts";
import { command } from "./command.ts";
import { ExitCode } from "./exit.ts";
import { print, wantsColour } from "./print.ts";
import { translateHaproxy } from "./translate.ts";

/** What `check` sees of the world. */
export interface CheckIo {
  /** Writes to stdout. */
  out(text: string): void;
  /** Writes to stderr. */
  err(text: string): void;
  /** Colour the messages. */
  readonly colour: boolean;
  /** Say errors only. */
  readonly quiet: boolean;
  readonly environment: Environment;
  readonly resolver: Resolver;
}

/** Validates the file at `path` and says all that is wrong with it. Exit status: ok, or badConfig (78). */
export async function check(path: string, io: CheckIo): Promise<number> {
  const { config, issues, text } = await loadConfigFile(path, io.environment, {
    resolver: io.resolver,
    translate: translateHaproxy,
  });
  const said = io.quiet ? issues.filter(({ severity }) => severity === "error") : issues;
  io.err(explain(said, { path, text }, { colour: io.colour }));
  const count = countIssues(said);
  if (config === null) {
    io.err(`Configuration file is not valid: ${count}\n`);
    return ExitCode.badConfig;
  }
  if (!io.quiet) io.out(`Configuration file is valid${count === "" ? "" : ` (${count})`}\n`);
  return ExitCode.ok;
}

/** `check -c FILE` and `check --schema`. */
export const checkCommand = command({
  meta: { name: "check", description: "Validate a configuration file; exit 0 valid, 78 not." },
  args: {
    config: { type: "string", alias: "c", description: "configuration file", valueHint: "FILE" },
    schema: { type: "boolean", description: "print the JSON Schema of the file, for editors" },
    quiet: { type: "boolean", alias: "q", description: "print errors only" },
    peer: {
      type: "string",
      description: "file of the other host: who owns the addresses, whatever fails; exit 1 when something is wrong",
      valueHint: "OTHER",
    },
    json: { type: "boolean", description: "with --peer: the table as JSON" },
  },
  async run({ args }) {
    if (args.schema === true) {
      print("stdout", `${JSON.stringify(jsonSchema(), null, 2)}\n`);
      return ExitCode.ok;
    }
    if (args.config === undefined) throw new UserError("check needs a file: -c FILE", ExitCode.usage);
    if (args.json === true && args.peer === undefined) {
      throw new UserError("--json belongs to --peer", ExitCode.usage);
    }
    const said = { out: "", err: "" };
    const io: CheckIo = {
      out(text) {
        said.out += text;
      },
      err(text) {
        said.err += text;
      },
      colour: wantsColour("stderr"),
      quiet: args.quiet === true,
      environment: systemEnvironment({
        strictHost: true,
        openFiles: openFilesWithin(),
        runtimeProblem: await runtimeProblem(),
      }),
      resolver: resolveHost,
    };
    const status =
      args.peer === undefined
        ? await check(args.config, io)
        : await (await import("./checkPeer.ts")).checkPeer(args.config, args.peer, { ...io, json: args.json === true });
    print("stderr", said.err);
    print("stdout", said.out);
    return status;
  },
});
