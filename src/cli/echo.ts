import { BIND_RULES, formatEndpoint, parseEndpoint } from "../core/endpoint.ts";
import { UserError } from "../core/errors.ts";
import { startEchoServer } from "../relay/echo.ts";
import { command } from "./command.ts";
import { ExitCode } from "./exit.ts";

/** What an echo server tells the process that started it, over IPC. */
export const ECHO_LISTENS = "listens";

/** `echo ADDRESS`: a TCP server that answers what it hears, for demos, tests and first steps. */
export const echoCommand = command({
  meta: { name: "echo", description: "Run an echo server: it sends back every byte that it gets, until it is killed." },
  args: { address: { type: "positional", description: "where to listen, as 127.0.0.1:14901", required: true } },
  async run({ args }) {
    const parsed = parseEndpoint(args.address, BIND_RULES);
    if (!parsed.ok) throw new UserError(`"${args.address}" ${parsed.problem}: ${parsed.hint}`, ExitCode.usage);
    const where = formatEndpoint(parsed.endpoint);
    try {
      startEchoServer(parsed.endpoint);
    } catch (error) {
      throw new UserError(`cannot listen on ${where}: ${(error as Error).message}`, ExitCode.failed);
    }
    process.stderr.write(`echo server ${process.pid} on ${where}\n`);
    process.send?.(ECHO_LISTENS);
    return await new Promise<number>((resolve) => {
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => resolve(ExitCode.ok));
      // Started by a demo: it does not outlive that, however that ended.
      process.on("disconnect", () => resolve(ExitCode.ok));
    });
  },
});
