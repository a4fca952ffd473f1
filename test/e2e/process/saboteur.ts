/**
 * Preloaded into every process of a program that runs from source (BUN_OPTIONS; the compiled one refuses), and by it into
 * every thread: on demand of a test something goes wrong inside, as a bug would. A process that is to fail is sent SIGUSR2;
 * relay threads fail when the file that SABOTAGE names appears, in the way that it says.
 */
import { existsSync, readFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

if (isMainThread) {
  process.on("SIGUSR2", () => {
    throw new Error("sabotage in control");
  });
  const Plain = globalThis.Worker;
  globalThis.Worker = class extends Plain {
    constructor(path: string | URL, options?: Bun.WorkerOptions) {
      super(path, { ...options, preload: [import.meta.path] });
    }
  };
} else {
  const order = process.env.SABOTAGE ?? "";
  const timer = setInterval(() => {
    if (!existsSync(order)) return;
    clearInterval(timer);
    if (readFileSync(order, "utf8") === "hang") for (;;);
    throw new Error("sabotage in a thread");
  }, 20);
}
