/**
 * Reloads under load, on a real number of connections: bun test/bench/reloadStorm.ts [connections] [reloads]
 *
 * It is the storm of test/e2e/reload/storm.test.ts, longer; says how many connections there were and what became of them,
 * and fails when a single one was lost.
 */
const [connections = "200000", reloads = "20"] = process.argv.slice(2);
const test = Bun.spawnSync(
  [process.execPath, "test", "--isolate", "--timeout", "3600000", "./test/e2e/reload/storm.test.ts"],
  {
    env: { ...process.env, STORM_CONNECTIONS: connections, STORM_RELOADS: reloads },
    stdio: ["ignore", "inherit", "inherit"],
  },
);
process.exit(test.exitCode);
