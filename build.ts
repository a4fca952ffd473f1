/**
 * Builds the product and proves it.
 *
 *   bun build.ts                              dist/haproxy-lite, for this machine
 *   bun build.ts --release [TARGET…]          dist/haproxy-lite-VERSION-TARGET for each target, and SHA256SUMS
 *   bun build.ts --rpm                        dist/haproxy-lite-VERSION-1.ARCH.rpm, for this machine, with rpmbuild
 *   … --outdir DIR                            somewhere else than dist
 *
 * A target of another machine is built around that machine's Bun runtime, which Bun takes from the
 * package registry on first use and keeps in its own cache.
 */
import { existsSync, linkSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import manifest from "./package.json" with { type: "json" };

const ROOT = import.meta.dir;

/** Release targets. Bun's plain x64 runtime is its "baseline" one, byte for byte: it needs no AVX2. */
const TARGETS = {
  "linux-x64": "bun-linux-x64",
  "linux-x64-musl": "bun-linux-x64-musl",
  "linux-arm64": "bun-linux-arm64",
  "linux-arm64-musl": "bun-linux-arm64-musl",
} as const satisfies Record<string, Bun.Build.CompileTarget>;

type Target = keyof typeof TARGETS;

/** What the program says of itself: `BUILD_VERSION` and `BUILD_COMMIT` inside src/. */
interface Identity {
  version: string;
  /** Short hash, with "-dirty" when the tree differs from it; "unknown" outside a checkout of this repository. */
  commit: string;
  /** Day of that commit, YYYY/MM/DD; the epoch's outside a checkout, so that a build is repeatable. */
  date: string;
}

function git(...args: string[]): string | null {
  try {
    const run = Bun.spawnSync(["git", ...args], { cwd: ROOT, stderr: "ignore" });
    return run.exitCode === 0 ? run.stdout.toString().trim() : null;
  } catch {
    return null; // no git here
  }
}

function identity(): Identity {
  const version = manifest.version;
  const commit = git("rev-parse", "--short", "HEAD");
  // An unpacked tarball inside somebody else's checkout must not take that one's commit for its own.
  if (commit === null || git("rev-parse", "--show-cdup") !== "")
    return { version, commit: "unknown", date: "1970/01/01" };
  const date = git("show", "-s", "--format=%cd", "--date=format:%Y/%m/%d") ?? "1970/01/01";
  return {
    version,
    date,
    commit: git("--no-optional-locks", "status", "--porcelain") === "" ? commit : `${commit}-dirty`,
  };
}

/**
 * Compiles into a directory of its own and moves the result into place, so that a running copy is never
 * written over ("text file busy") and nobody sees half a file.
 */
async function compile(target: Bun.Build.CompileTarget | null, id: Identity, outfile: string): Promise<void> {
  mkdirSync(resolve(outfile, ".."), { recursive: true });
  const work = mkdtempSync(`${resolve(outfile)}.building-`);
  try {
    const result = await Bun.build({
      // A compiled worker is found by its path below `root`: "./src/relay/thread.ts".
      entrypoints: [join(ROOT, "src/main.ts"), join(ROOT, "src/relay/thread.ts")],
      root: ROOT,
      target: "bun",
      // Names stay, for stack traces; the size of the program is the runtime's.
      minify: { whitespace: true, syntax: true, identifiers: false },
      sourcemap: "linked",
      // Parsing the bundle at every start would cost `status` half of its time.
      bytecode: true,
      format: "esm",
      splitting: true,
      define: {
        BUILD_VERSION: JSON.stringify(id.version),
        BUILD_COMMIT: JSON.stringify(id.commit),
        BUILD_DATE: JSON.stringify(id.date),
      },
      compile: {
        ...(target === null ? {} : { target }),
        outfile: join(work, "haproxy-lite"),
        autoloadDotenv: false,
        autoloadBunfig: false,
        autoloadTsconfig: false,
        autoloadPackageJson: false,
        execArgv: ["--disallow-code-generation-from-strings=strict"],
      },
    });
    if (!result.success) throw new Error(`the bundle failed:\n${result.logs.join("\n")}`);
    renameSync(join(work, "haproxy-lite"), outfile);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * Runs the new program where a hostile `.env` and `bunfig.toml` lie, and fails unless it names its version
 * and commit and finds the sample configuration valid.
 */
function prove(binary: string, id: Identity): void {
  const cwd = mkdtempSync(join(tmpdir(), "haproxy-lite-proof-"));
  try {
    writeFileSync(join(cwd, ".env"), "BUN_OPTIONS=--preload=./trap.ts\nNO_COLOR=trap\n");
    writeFileSync(join(cwd, "bunfig.toml"), 'preload = ["./trap.ts"]\n');
    writeFileSync(join(cwd, "trap.ts"), 'require("node:fs").writeFileSync("trapped", "");\nprocess.exit(97);\n');
    const run = (...args: string[]): string => {
      const said = Bun.spawnSync([resolve(binary), ...args], { cwd, timeout: 20_000, stderr: "pipe" });
      const command = `${basename(binary)} ${args.join(" ")}`;
      if (existsSync(join(cwd, "trapped"))) throw new Error(`${command} ran code from the directory it was started in`);
      if (said.exitCode === 0) return said.stdout.toString();
      const how = said.signalCode ?? said.exitCode;
      throw new Error(`${command} ended with ${how}\n${said.stdout.toString()}${said.stderr.toString()}`);
    };
    const version = run("--version");
    if (!version.includes(id.version) || !version.includes(id.commit)) {
      throw new Error(`--version says ${JSON.stringify(version)}, expected ${id.version} and ${id.commit} in it`);
    }
    run("check", "-c", join(ROOT, "haproxy-lite.toml"));
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

/** True when a program for `target` can be started here. */
function runsHere(target: Target): boolean {
  const libc = existsSync("/etc/alpine-release") ? "-musl" : "";
  return target === `${process.platform}-${process.arch}${libc}`;
}

async function buildHere(outdir: string): Promise<void> {
  const outfile = join(outdir, "haproxy-lite");
  const id = identity();
  await compile(null, id, outfile);
  prove(outfile, id);
  console.error(`built ${outfile} ${id.version} (${id.commit})`);
}

async function buildRelease(outdir: string, targets: readonly Target[]): Promise<void> {
  const id = identity();
  const sums: string[] = [];
  for (const target of targets) {
    const outfile = join(outdir, `haproxy-lite-${id.version}-${target}`);
    await compile(TARGETS[target], id, outfile);
    if (runsHere(target)) prove(outfile, id);
    sums.push(`${new Bun.CryptoHasher("sha256").update(readFileSync(outfile)).digest("hex")}  ${basename(outfile)}\n`);
    console.error(
      `built ${outfile} (${id.commit})${runsHere(target) ? "" : ", which cannot be tried on this machine"}`,
    );
  }
  writeFileSync(join(outdir, "SHA256SUMS"), sums.join(""));
}

/**
 * Packs the program and what `install` would put around it; rpmbuild itself tries the program that it has packed (`%check`).
 */
async function buildRpm(outdir: string): Promise<void> {
  const id = identity();
  mkdirSync(outdir, { recursive: true });
  const work = mkdtempSync(join(resolve(outdir), ".rpm-"));
  try {
    const binary = join(work, "haproxy-lite");
    await compile(null, id, binary);
    prove(binary, id);
    const [{ surfaceOf }, { COMMANDS }, { rpmFiles }, { rpmSpec, sourceName }] = await Promise.all([
      import("./src/cli/surface.ts"),
      import("./src/cli/cli.ts"),
      import("./src/install/rpmFiles.ts"),
      import("./src/install/templates/rpmSpec.ts"),
    ]);
    const files = rpmFiles(await surfaceOf(COMMANDS));
    const sources = join(work, "SOURCES");
    mkdirSync(sources);
    for (const { path, content, gzip } of files) {
      const source = join(sources, sourceName(path));
      if (content === null) continue;
      if (typeof content === "string") writeFileSync(source, gzip ? Bun.gzipSync(content) : content);
      else linkSync(binary, source);
    }
    const spec = join(work, "haproxy-lite.spec");
    writeFileSync(spec, rpmSpec(files, id));
    // Two builds of one commit are one package.
    const epoch = Date.parse(`${id.date.replaceAll("/", "-")}T00:00:00Z`) / 1000;
    const env = { ...process.env, SOURCE_DATE_EPOCH: String(epoch) };
    const macros = [
      `_topdir ${work}`,
      "use_source_date_epoch_as_buildtime 1",
      "clamp_mtime_to_source_date_epoch 1",
      "_buildhost localhost",
    ];
    const built = Bun.spawnSync(["rpmbuild", "-bb", ...macros.flatMap((macro) => ["--define", macro]), spec], {
      env,
      stdout: "pipe",
      stderr: "pipe",
    });
    if (built.exitCode !== 0) throw new Error(`rpmbuild failed:\n${built.stdout}${built.stderr}`);
    const rpms = [...new Bun.Glob("RPMS/*/*.rpm").scanSync({ cwd: work })];
    for (const rpm of rpms) {
      const outfile = join(outdir, basename(rpm));
      renameSync(join(work, rpm), outfile);
      console.error(`built ${outfile} (${id.commit})`);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function isTarget(name: string): name is Target {
  return Object.hasOwn(TARGETS, name);
}

const { values, positionals } = parseArgs({
  options: {
    release: { type: "boolean", default: false },
    rpm: { type: "boolean", default: false },
    outdir: { type: "string", default: join(ROOT, "dist") },
  },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !isTarget(name));
if (unknown.length > 0 || (positionals.length > 0 && !values.release) || (values.release && values.rpm)) {
  console.error(`usage: bun build.ts [--release [${Object.keys(TARGETS).join("|")}]… | --rpm] [--outdir DIR]`);
  process.exit(2);
}
try {
  const targets = positionals.length > 0 ? positionals.filter(isTarget) : Object.keys(TARGETS).filter(isTarget);
  if (values.rpm) await buildRpm(values.outdir);
  else await (values.release ? buildRelease(values.outdir, targets) : buildHere(values.outdir));
} catch (failure) {
  // A failed bundle is an AggregateError of messages that name file and line.
  const causes = failure instanceof AggregateError ? failure.errors : [failure];
  for (const cause of causes) console.error("build failed:", cause instanceof Error ? cause.message : cause);
  process.exit(1);
}
