import { afterAll, beforeAll } from "bun:test";
import { chmodSync, copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ProxyOptions, type Proxy as RunningProxy, startProxy } from "../../support/instance.ts";
import { binary } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";

const ROOT = join(import.meta.dir, "../../..");

/** Versions of the product: one that works, and others whose proxy process ends at once, or does nothing. */
export type Variant = "next" | "crashingProxy" | "hangingProxy";

/** What the version "next" says of itself. */
export const NEXT = "99.0.0";

/** Compiles a version into a directory, and returns its path. */
async function compileVariant(variant: Variant, dir: string): Promise<string> {
  const outfile = join(dir, variant);
  const built = await Bun.build({
    entrypoints: [join(import.meta.dir, "variant.ts"), join(ROOT, "src/relay/thread.ts")],
    root: ROOT,
    target: "bun",
    define: { BUILD_VERSION: JSON.stringify(NEXT), BUILD_COMMIT: '"test"', VARIANT: JSON.stringify(variant) },
    compile: { outfile, autoloadDotenv: false, autoloadBunfig: false },
  });
  if (!built.success) throw new Error(built.logs.join("\n"));
  return outfile;
}

/** Compiles versions before the tests of a file; their paths. */
export function compiledVariants<V extends Variant>(...variants: V[]): Record<V, string> {
  const paths = {} as Record<V, string>;
  const dir = mkdtempSync(join(tmpdir(), "hl-versions-"));
  beforeAll(async () => {
    for (const variant of variants) paths[variant] = await compileVariant(variant, dir);
  }, 60_000);
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  return paths;
}

/** A running copy of the product whose file can be replaced. */
export interface Upgradable extends RunningProxy {
  /** Puts another program in the place of the file, as a package manager does: whole, by renaming. */
  put(program: string): void;
  /** The same with a script. */
  putScript(text: string): void;
  /** SIGUSR2, and waits until it has said something that matches. */
  upgrade(said?: RegExp): Promise<string>;
}

/** Starts a copy of the product; see {@link startProxy}. */
export async function startUpgradable(toml: string, options: ProxyOptions = {}): Promise<Upgradable> {
  const dir = tmpDir();
  chmodSync(dir, 0o755);
  const program = join(dir, "haproxy-lite");
  copyFileSync(binary(), program);
  const proxy = await startProxy(toml, { ...options, program });
  const inPlace = (fresh: string): void => {
    chmodSync(fresh, 0o755);
    renameSync(fresh, program);
  };
  return {
    ...proxy,
    put(other) {
      const fresh = `${program}.new`;
      copyFileSync(other, fresh);
      inPlace(fresh);
    },
    putScript(text) {
      const fresh = `${program}.new`;
      writeFileSync(fresh, text);
      inPlace(fresh);
    },
    async upgrade(said = /upgraded from/) {
      const from = proxy.output().length;
      proxy.process.signal("SIGUSR2");
      return await proxy.process.waitFor(said, { from, timeoutMs: 20_000 });
    },
  };
}
