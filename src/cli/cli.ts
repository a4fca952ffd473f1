import { type CommandDef, parseArgs, renderUsage } from "citty";
import { suggest } from "../config/suggest.ts";
import { UserError } from "../core/errors.ts";
import { PROXY_PROCESS, STAND_IN, SUCCESSOR_CHECK } from "../core/self.ts";
import { COMMIT, VERSION } from "../core/version.ts";
import { findUsageProblem, joinRest } from "./args.ts";
import type { Command } from "./command.ts";
import { complain } from "./complain.ts";
import { ExitCode } from "./exit.ts";
import { print, wantsColour } from "./print.ts";

const NAME = "haproxy-lite";

/** The commands, loaded when asked for: `status` must not pay for the schema, nor `check` for sockets. */
export const COMMANDS: Readonly<Record<string, { summary: string; load: () => Promise<unknown> }>> = {
  serve: { summary: "run the balancer in the foreground", load: async () => (await import("./serve.ts")).serveCommand },
  check: { summary: "validate a configuration file", load: async () => (await import("./check.ts")).checkCommand },
  import: {
    summary: "make a configuration of HAProxy's and keepalived's files",
    load: async () => (await import("./import.ts")).importCommand,
  },
  status: {
    summary: "show how the running balancer stands",
    load: async () => (await import("./status.ts")).statusCommand,
  },
  ctl: {
    summary: "send a command to the running balancer",
    load: async () => (await import("./ctl.ts")).ctlCommand,
  },
  install: {
    summary: "install this program as a service of the host",
    load: async () =>
      (await import("./install.ts")).installCommand(async () => (await import("./surface.ts")).surfaceOf(COMMANDS)),
  },
  uninstall: {
    summary: "remove what install has put on the host",
    load: async () => (await import("./uninstall.ts")).uninstallCommand,
  },
  echo: { summary: "run an echo server to try things with", load: async () => (await import("./echo.ts")).echoCommand },
};

/** Runs a command line (without the program's name); the exit status. Usage problems go to stderr and give 2. */
export async function runCli(argv: readonly string[]): Promise<number> {
  try {
    return await run(argv);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    await complain(error.message);
    return error.exitCode;
  }
}

async function run([name, ...rest]: readonly string[]): Promise<number> {
  // Not for people: what the supervisor makes of this program, see supervisor/run.ts.
  if (name === PROXY_PROCESS) return await (await import("../proxy/entry.ts")).runProxyProcess();
  // Nor this, see supervisor/upgrade.ts.
  if (name === STAND_IN) return await (await import("../supervisor/standIn.ts")).runStandIn();
  if (name === SUCCESSOR_CHECK) return await (await import("./successor.ts")).canSucceed(rest);
  if (name === "--version" || name === "-V") return say(`${NAME} ${VERSION} (${COMMIT})`);
  if (name === "--help" || name === "-h" || name === "help") return say(usage());
  if (name === undefined) return await wrongUsage("a command is needed", usage());
  const entry = COMMANDS[name];
  if (entry === undefined || !Object.hasOwn(COMMANDS, name)) {
    const near = suggest(name, Object.keys(COMMANDS));
    return await wrongUsage(`unknown command "${name}"${near === null ? "" : `; did you mean "${near}"?`}`, usage());
  }
  const definition = (await entry.load()) as Command;
  const words = joinRest(rest, definition.args);
  if (words.includes("--help") || words.includes("-h")) return say(await commandUsage(definition));
  if (words.includes("--version")) return say(`${NAME} ${VERSION} (${COMMIT})`);
  const problem = findUsageProblem(words, definition.args);
  if (problem !== null) return await wrongUsage(problem, await commandUsage(definition));
  try {
    return await definition.run({ args: parseArgs(words, definition.args) });
  } catch (error) {
    if (!(error instanceof UserError) || error.exitCode !== ExitCode.usage) throw error;
    return await wrongUsage(error.message, await commandUsage(definition));
  }
}

function usage(): string {
  const rows = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(9)} ${summary}`);
  return [
    `usage: ${NAME} COMMAND [OPTION…]`,
    "",
    ...rows,
    "",
    `${NAME} COMMAND --help shows the options of a command; ${NAME} --version the version.`,
  ].join("\n");
}

async function commandUsage(definition: Command): Promise<string> {
  const { run: _run, ...described } = definition;
  const text = await renderUsage(described as CommandDef, { meta: { name: NAME } });
  return wantsColour("stdout") ? text : Bun.stripANSI(text);
}

function say(text: string): number {
  print("stdout", `${text}\n`);
  return ExitCode.ok;
}

async function wrongUsage(problem: string, help: string): Promise<number> {
  await complain(problem);
  print("stderr", `\n${Bun.stripANSI(help)}\n`);
  return ExitCode.usage;
}
