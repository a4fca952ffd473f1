import { afterAll, afterEach, beforeEach } from "bun:test";

type Cleanup = () => void | Promise<void>;

// A hook registered while another hook runs fires at once (Bun 1.4.5), so ours are registered when the test
// file loads, and things belong to the test that is running, or to the file when none is.
const ofTest: Cleanup[] = [];
const ofFile: Cleanup[] = [];
let testsRunning = 0;
let fileEnded = false;

/**
 * Runs `fn` when the running test ends, or when the test file ends if called outside a test (top level,
 * `beforeAll`); failed or not, newest first. A cleanup that throws fails the test.
 */
export function atEnd(fn: Cleanup): void {
  // Plain `bun test` lets files share modules, so the hooks below hold for the first file only.
  if (fileEnded) throw new Error("several test files in one process need `bun test --isolate` (npm test does that)");
  (testsRunning > 0 ? ofTest : ofFile).push(fn);
}

beforeEach(() => {
  testsRunning++;
});

afterEach(async () => {
  testsRunning--;
  // Concurrent tests share one list: the last of them to end empties it.
  if (testsRunning === 0) await runAll(ofTest);
});

afterAll(async () => {
  await runAll(ofFile).finally(() => {
    fileEnded = true;
  });
});

async function runAll(list: Cleanup[]): Promise<void> {
  const failures: unknown[] = [];
  for (let fn = list.pop(); fn !== undefined; fn = list.pop()) {
    try {
      await fn();
    } catch (failure) {
      failures.push(failure);
    }
  }
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) throw new AggregateError(failures, "several cleanups failed");
}
