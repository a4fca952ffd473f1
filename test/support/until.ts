/** How long and how often `until` looks. */
export interface UntilOptions {
  /** Default 5000. */
  timeoutMs?: number;
  /** Pause between two looks; default 10. */
  everyMs?: number;
}

/**
 * Waits until `look` returns something truthy and returns that. `what` completes the sentence "waited for …";
 * the failure also tells the last value or the last error seen. A `look` that throws is a "not yet".
 */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  { timeoutMs = 5000, everyMs = 10 }: UntilOptions = {},
): Promise<NonNullable<T>> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    let seen: string;
    let cause: unknown;
    try {
      const value = await look();
      if (value) return value;
      seen = `last value: ${Bun.inspect(value)}`;
    } catch (failure) {
      cause = failure;
      seen = `last error: ${failure instanceof Error ? failure.message : Bun.inspect(failure)}`;
    }
    if (performance.now() >= deadlineMs) throw new Error(`waited ${timeoutMs} ms for ${what}; ${seen}`, { cause });
    await Bun.sleep(everyMs);
  }
}
