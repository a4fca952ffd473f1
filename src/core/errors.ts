/** An error that a person caused or can mend: printed as its message alone, and the process ends with `exitCode`. */
export class UserError extends Error {
  override readonly name = "UserError";
  /**
   * @param message what happened, where, and what to do about it
   * @param exitCode process exit status, see cli/exit.ts
   */
  constructor(
    message: string,
    readonly exitCode: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Exhaustiveness guard for switches over discriminated unions. */
export function assertNever(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
