/** A flag of a subcommand, for man page and completion. */
export interface FlagSurface {
  /** As typed, longest first: ["--config", "-c"]. */
  readonly spellings: readonly string[];
  /** What stands for its value, "FILE"; null: a switch. */
  readonly value: string | null;
  readonly description: string;
}

/** A subcommand as people see it. */
export interface CommandSurface {
  readonly name: string;
  readonly description: string;
  readonly flags: readonly FlagSurface[];
  /** Names of what is not a flag, "ADDRESS". */
  readonly operands: readonly string[];
}
