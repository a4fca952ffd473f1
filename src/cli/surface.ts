import type { ArgDef } from "citty";
import type { CommandSurface, FlagSurface } from "../install/surface.ts";
import type { Command } from "./command.ts";

/** A table of subcommands that are loaded when asked for. */
export type CommandTable = Readonly<Record<string, { load: () => Promise<unknown> }>>;

/** What people can type: every command with its flags, from the definitions that the command line is parsed with. */
export async function surfaceOf(commands: CommandTable): Promise<CommandSurface[]> {
  const loaded = await Promise.all(
    Object.entries(commands).map(async ([name, { load }]) => [name, await load()] as const),
  );
  return loaded.map(([name, definition]) => describe(name, definition as Command));
}

function describe(name: string, { meta, args }: Command): CommandSurface {
  const entries = Object.entries(args);
  return {
    name,
    description: meta.description,
    flags: entries.flatMap(([flag, arg]) => (arg.type === "positional" ? [] : [describeFlag(flag, arg)])),
    operands: entries.flatMap(([operand, arg]) =>
      arg.type === "positional" ? [arg.valueHint ?? operand.toUpperCase()] : [],
    ),
  };
}

function describeFlag(name: string, arg: ArgDef): FlagSurface {
  const aliases = "alias" in arg && arg.alias !== undefined ? [arg.alias].flat() : [];
  return {
    spellings: [`--${name}`, ...aliases.map((alias) => (alias.length === 1 ? `-${alias}` : `--${alias}`))],
    value: arg.type === "boolean" ? null : (arg.valueHint ?? name.toUpperCase()),
    description: arg.description ?? "",
  };
}
