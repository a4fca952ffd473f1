import { cpus } from "node:os";
import { readFileSync } from "node:fs";
import { defaultAdminSocket } from "../admin/socketPath.ts";
import { systemClock } from "../core/clock.ts";
import { loadConfig } from "../config/config.ts";
import { explain } from "../config/explain.ts";
import { StandardStream } from "../net/standardStreams.ts";
import { Supervisor } from "../supervisor/supervisor.ts";
import { command } from "./cli.ts";
import { demoHints, startDemoServers } from "./demo.ts";
import { ExitCode } from "./exit.ts";

/** `serve -c FILE`: runs supervisor and proxy in the foreground until a signal ends them. */
export const serveCommand = command({
  meta: { name: "serve", description: "Run the balancer in the foreground." },
  args: {
    config: { type: "string", alias: "c", description: "configuration file", valueHint: "FILE", required: true },
    demo: { type: "boolean", description: "play all servers of the file by built-in echo servers" },
  },
  async run({ args }) {
    const bytes = readFileSync(args.config);
    const loaded = loadConfig({ path: args.config, bytes }, { cpus: cpus().length, ephemeralPorts: null });
    process.stderr.write(explain(loaded.issues, { path: args.config, text: bytes.toString() }, { colour: false }));
    if (loaded.config === null) return ExitCode.badConfig;
    return await serve(loaded.config, args.demo ?? false);
  },
});

async function serve(config: NonNullable<ReturnType<typeof loadConfig>["config"]>, demo: boolean): Promise<number> {
  const self = selfCommand();
  const uid = process.getuid?.() ?? 0;
  const supervisor = new Supervisor(config, {
    clock: systemClock,
    uid,
    stdout: new StandardStream(process.stdout),
    stderr: new StandardStream(process.stderr),
    proxyCommand: [...self, "__proxy"],
    adminSocket: config.admin.socket ?? defaultAdminSocket({ uid, runtimeDir: process.env.XDG_RUNTIME_DIR ?? null }),
  });
  const played = demo ? startDemoServers(config, self) : null;
  try {
    supervisor.start();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => supervisor.stop(signal));
    if (played !== null) process.stderr.write(demoHints(config, played.servers, process.argv0));
    return await supervisor.finished;
  } finally {
    played?.stop();
  }
}

/** The command line that runs this program again: the executable, or Bun and the script when run from source. */
function selfCommand(): string[] {
  return Bun.isStandaloneExecutable ? [process.execPath] : [process.execPath, Bun.main];
}
