import type { ArgsDef, parseArgs } from "citty";

/** A subcommand: citty's definition of its flags and help; `run` gives the exit status. */
export interface Command<T extends ArgsDef = ArgsDef> {
  meta: { name: string; description: string };
  args: T;
  run(context: { args: ReturnType<typeof parseArgs<T>> }): Promise<number> | number;
}

/** Types a command by its flags. */
export function command<T extends ArgsDef>(definition: Command<T>): Command<T> {
  return definition;
}
