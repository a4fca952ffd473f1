/** A program that is run after the files are in place. What it does is never a reason to take the files away again. */
export interface Command {
  argv: readonly string[];
  /** Run first; the command is left out unless this succeeds. */
  onlyIf: readonly string[] | null;
  /** Run first; the command is left out if this succeeds. */
  unless: readonly string[] | null;
  /** Takes back what the command did; `uninstall` runs it. */
  undo: readonly string[] | null;
}

/** A command without conditions. */
export function command(...argv: string[]): Command {
  return { argv, onlyIf: null, unless: null, undo: null };
}

/** A command line as one would type it. */
export function shellText(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");
}
