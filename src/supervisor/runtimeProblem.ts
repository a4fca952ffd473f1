import { UserError } from "../core/errors.ts";
import { addressSpaceProblem } from "../core/limits.ts";

/** Why the runtime would not work here, or not for long, as one sentence; null: nothing speaks against it. */
export async function runtimeProblem(): Promise<string | null> {
  try {
    await import("../net/libc.ts");
    return addressSpaceProblem();
  } catch (error) {
    if (error instanceof UserError) return error.message.replace("\n ", ":");
    throw error;
  }
}
