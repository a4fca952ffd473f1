import { explain } from "../config/explain.ts";
import { loadConfigFile, systemEnvironment } from "../config/load.ts";
import { selfCommand } from "../core/self.ts";
import { runSupervisor } from "../supervisor/run.ts";
import { command } from "./command.ts";
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
    const path = args.config;
    const { config, issues, text } = await loadConfigFile(path, await systemEnvironment());
    const colour = process.stderr.isTTY === true && !process.env.NO_COLOR;
    process.stderr.write(explain(issues, { path, text }, { colour }));
    if (config === null) return ExitCode.badConfig;
    if (args.demo !== true) return await runSupervisor(config);
    const demo = await startDemoServers(config, selfCommand());
    try {
      process.stderr.write(demoHints(config, demo.servers, process.argv0));
      return await runSupervisor(config);
    } finally {
      demo.stop();
    }
  },
});
