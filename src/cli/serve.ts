import { relative, resolve } from "node:path";
import { explain } from "../config/explain.ts";
import type { LoadedFile } from "../config/load.ts";
import { selfCommand } from "../core/self.ts";
import { loadServedFile } from "../supervisor/configFile.ts";
import { confine, takeStart } from "../supervisor/confine.ts";
import { takeHandoff } from "../supervisor/handoff.ts";
import { runSupervisor } from "../supervisor/run.ts";
import { SteeringSignals } from "../supervisor/signals.ts";
import { rollBack } from "../supervisor/upgrade.ts";
import { command } from "./command.ts";
import { isDetached, reportServing, startDetached } from "./daemon.ts";
import { demoHints, startDemoServers } from "./demo.ts";
import { ExitCode } from "./exit.ts";
import { print, wantsColour } from "./print.ts";
import { translateHaproxy } from "./translate.ts";

/** `serve -c FILE`: runs supervisor and proxy in the foreground until a signal ends them. */
export const serveCommand = command({
  meta: { name: "serve", description: "Run the balancer in the foreground." },
  args: {
    config: { type: "string", alias: "c", description: "configuration file", valueHint: "FILE", required: true },
    pidfile: {
      type: "string",
      description: "file that holds the process id, in place of [global] pidfile",
      valueHint: "FILE",
    },
    daemon: { type: "boolean", description: "detach from the terminal once everything serves" },
    demo: { type: "boolean", description: "play all servers of the file by built-in echo servers" },
  },
  async run({ args }) {
    const path = args.config;
    const handoff = takeHandoff(process.env);
    const pidFile = args.pidfile === undefined ? null : resolve(args.pidfile);
    const load = async () => withPidFile(await loadServedFile(path, translateHaproxy), pidFile);
    if (handoff !== null) {
      const signals = SteeringSignals.inherit(handoff.signals, handoff.hangupIgnored);
      try {
        // Called off, it is the former configuration that runs: the file may be what the other version failed of.
        const config = handoff.failure === null ? (await load()).config : handoff.config;
        if (config === null) throw new Error(`${path} is not valid`);
        return await runSupervisor(config, { path, load }, { handoff, signals });
      } catch (error) {
        if (handoff.failure !== null) throw error;
        await signals.hold();
        rollBack({ ...handoff, signals: signals.waiting }, (error as Error).message);
      }
    }
    const detached = isDetached();
    let config = takeStart(process.env);
    if (config === null) {
      const { issues, text, ...loaded } = await load();
      // A service manager that waits for READY watches this very process: the key of an old file must not take it away.
      const watched = process.env.NOTIFY_SOCKET !== undefined;
      const detach = args.daemon === true || (loaded.config?.global.daemon === true && !watched);
      if (detach && !detached)
        return await startDetached([
          "serve",
          "--config",
          resolve(path),
          ...(pidFile === null ? [] : ["--pidfile", pidFile]),
          ...(args.demo ? ["--demo"] : []),
        ]);
      print("stderr", explain(issues, { path, text }, { colour: wantsColour("stderr") }));
      if (loaded.config === null) return ExitCode.badConfig;
      config = loaded.config;
      confine(config);
    }
    const onReady = detached ? reportServing : () => {};
    if (args.demo !== true) return await runSupervisor(config, { path, load }, { onReady });
    const demo = await startDemoServers(config, selfCommand());
    try {
      return await runSupervisor(
        config,
        { path, load },
        {
          onReady() {
            print("stderr", demoHints(config, demo.servers, asTyped(selfCommand()), path));
            onReady();
          },
          fixed: "its demo servers would not outlive it",
        },
      );
    } finally {
      await demo.stop();
    }
  },
});

/** The file with `pidFile`, if that is given, for whatever it says itself. */
function withPidFile(loaded: LoadedFile, pidFile: string | null): LoadedFile {
  const { config } = loaded;
  if (config === null || pidFile === null) return loaded;
  return { ...loaded, config: { ...config, global: { ...config.global, pidfile: pidFile } } };
}

/** A command line as a person here would type it. */
function asTyped(command: readonly string[]): string {
  return command
    .map((word) => {
      const near = relative(process.cwd(), word);
      return near.startsWith("..") || process.cwd() === "/" ? word : near.includes("/") ? near : `./${near}`;
    })
    .join(" ");
}
