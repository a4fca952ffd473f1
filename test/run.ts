/**
 * Runs the tests: installs what they need, builds the product once, and counts.
 *
 *   npm test                                  everything
 *   npm test -- config relay/half             test files whose path contains one of the words
 *   npm test -- relay -t "half-close"         what begins with the first "-" goes to bun test
 *
 * The last line is always `N passed, N failed, N skipped`.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installMissingTools } from "./support/install.ts";
import { countSummary, readMissing, skippedByFile, type Tally, tellMissing } from "./support/tally.ts";
import { MISSING_FILE_VARIABLE } from "./support/tools.ts";

const ROOT = join(import.meta.dir, "..");
/** A run this long hangs, and so does one that has said nothing for so long. */
const LONGEST_RUN_MS = 45 * 60_000;
const LONGEST_SILENCE_MS = 5 * 60_000;
/** Real processes on a busy two-core machine need more than bun's 5 s. */
const TEST_TIMEOUT_MS = 30_000;

/** bun test's output in one piece, also shown as it comes, and what ended it. */
async function runBunTest(
  args: readonly string[],
  missingFile: string,
): Promise<{ output: string; ended: string | null }> {
  const child = Bun.spawn([process.execPath, "test", "--no-orphans", ...args], {
    cwd: ROOT,
    env: { ...process.env, [MISSING_FILE_VARIABLE]: missingFile },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));

  let hang: string | null = null;
  const giveUp = (why: string): void => {
    hang = why;
    child.kill("SIGTERM");
    setTimeout(() => child.kill("SIGKILL"), 5000).unref();
  };
  const total = setTimeout(giveUp, LONGEST_RUN_MS, `no end after ${LONGEST_RUN_MS / 60_000} minutes`);
  const silence = setTimeout(giveUp, LONGEST_SILENCE_MS, `silent for ${LONGEST_SILENCE_MS / 60_000} minutes`);

  let output = "";
  const read = async (from: ReadableStream<Uint8Array>, to: NodeJS.WriteStream): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const bytes of from) {
      silence.refresh();
      to.write(bytes);
      output += decoder.decode(bytes, { stream: true });
    }
  };
  const outputRead = Promise.all([read(child.stdout, process.stdout), read(child.stderr, process.stderr)]);
  await child.exited;
  // A process that a test lost may hold the pipes open for ever.
  await Promise.race([outputRead, Bun.sleep(2000)]);
  clearTimeout(total);
  clearTimeout(silence);
  const ended = child.signalCode === null ? `exit code ${child.exitCode}` : `${child.signalCode}`;
  return { output, ended: hang ?? (child.exitCode === 0 ? null : ended) };
}

function testFiles(words: readonly string[]): string[] {
  const all = [...new Bun.Glob("test/**/*.test.ts").scanSync({ cwd: ROOT })].sort();
  return all.filter((path) => words.length === 0 || words.some((word) => path.includes(word.replace(/^\.\//, ""))));
}

async function main(argv: readonly string[]): Promise<Tally> {
  const firstFlag = argv.findIndex((arg) => arg.startsWith("-"));
  const words = firstFlag === -1 ? argv : argv.slice(0, firstFlag);
  const flags = firstFlag === -1 ? [] : argv.slice(firstFlag);
  const files = testFiles(words);
  if (files.length === 0) {
    console.error(`no test file under test/ matches ${words.join(" ")}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  installMissingTools();
  if (
    Bun.spawnSync([process.execPath, "build.ts"], { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] }).exitCode !== 0
  ) {
    return { passed: 0, failed: 1, skipped: 0 };
  }

  const work = mkdtempSync(join(tmpdir(), "haproxy-lite-test-"));
  try {
    const junit = join(work, "junit.xml");
    const missingFile = join(work, "missing.jsonl");
    const paths = files.map((path) => `./${path}`);
    const { output, ended } = await runBunTest(
      // Only with --parallel is a test that calls process.exit() a failure.
      [
        "--parallel=2",
        `--timeout=${TEST_TIMEOUT_MS}`,
        "--reporter=junit",
        `--reporter-outfile=${junit}`,
        ...flags,
        ...paths,
      ],
      missingFile,
    );
    const tally = countSummary(output);
    if (ended !== null) {
      console.error(`\nbun test: ${ended}`);
      tally.failed = Math.max(tally.failed, 1);
    }
    tellMissing(readMissing(missingFile), skippedByFile(Bun.file(junit).size > 0 ? readFileSync(junit, "utf8") : ""));
    return tally;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const tally = await main(Bun.argv.slice(2));
// One stream for both would interleave; this line must be the last of stdout.
process.stdout.write(`\n${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped\n`);
process.exitCode = tally.failed > 0 || tally.passed === 0 ? 1 : 0;
