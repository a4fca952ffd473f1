import { chmodSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { missingTools, PACKAGES } from "./packages.ts";

const POLICY = "/usr/sbin/policy-rc.d";
const APT = ["apt-get", "-o", "DPkg::Lock::Timeout=120", "-qq"];

/**
 * As root on a machine with apt, installs the Debian packages of the programs that are missing, without
 * letting any of them start its service. Elsewhere, and when that fails, it only says so: the tests concerned
 * are then skipped (or fail, in CI).
 */
export function installMissingTools(): void {
  const missing = missingTools();
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((name) => PACKAGES[name]))];
  if (process.geteuid?.() !== 0 || Bun.which("apt-get") === null) {
    console.error(`not installed here: ${packages.join(" ")} (only root on a machine with apt can)`);
    return;
  }
  console.error(`installing for the tests: ${packages.join(" ")}`);
  withoutServices(() => {
    apt("update");
    apt("install", "-y", "--no-install-recommends", ...packages);
  });
}

/** invoke-rc.d and systemd's Debian helpers ask policy-rc.d before they start anything; 101 is "no". */
function withoutServices(install: () => void): void {
  const ours = !existsSync(POLICY);
  if (ours) {
    writeFileSync(POLICY, "#!/bin/sh\nexit 101\n");
    chmodSync(POLICY, 0o755);
  }
  try {
    install();
  } finally {
    if (ours) rmSync(POLICY, { force: true });
  }
}

function apt(...args: string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const done = Bun.spawnSync([...APT, ...args], { env, stdio: ["ignore", "inherit", "inherit"], timeout: 15 * 60_000 });
  if (done.exitCode !== 0) console.error(`apt-get ${args[0]} failed (${done.signalCode ?? done.exitCode})`);
}
