import { BenchError, type Child } from "./children.ts";

const START_LIMIT_MS = 15_000;

/** Waits until `look` is true; a `look` that throws is a "not yet". Ends at once when the program did. */
export async function waitFor(child: Child, what: string, look: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + START_LIMIT_MS;
  let last = "";
  for (;;) {
    try {
      if (await look()) return;
    } catch (failure) {
      last = `\n${failure}`;
    }
    const why = child.ended() ? "it ended" : performance.now() > deadlineMs ? `waited ${START_LIMIT_MS} ms` : null;
    if (why !== null) throw new BenchError(`${child.name} failed ${what} (${why})${last}\n${child.output().trim()}`);
    await Bun.sleep(20);
  }
}
