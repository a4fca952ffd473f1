import { statSync } from "node:fs";
import { resolve } from "node:path";
import { UserError } from "../core/errors.ts";
import { ExitCode } from "./exit.ts";

/** The absolute path of `--root DIR`; "/" without it. Throws UserError for what is no directory. */
export function findRoot(flag: string | undefined): string {
  if (flag === undefined) return "/";
  const root = resolve(flag);
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory())
    throw new UserError(`--root ${flag} is not a directory`, ExitCode.usage);
  return root;
}

/** Throws UserError (exit status 4) for anybody but root. */
export function needRoot(name: string): void {
  if (process.geteuid?.() === 0) return;
  throw new UserError(
    `${name} needs root: it writes system files and the service account\n  try: sudo haproxy-lite ${name}; --dry-run shows what it would do`,
    ExitCode.noPrivilege,
  );
}

/** Lets work that has begun come to its end: a signal meanwhile is for later, which there is none of. */
export function ignoreSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
}
