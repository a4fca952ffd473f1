import { BIND_RULES, formatEndpoint, parseEndpoint } from "../core/endpoint.ts";
import { UserError } from "../core/errors.ts";
import { SystemError } from "../net/libc.ts";
import { bindListeners } from "../net/listen.ts";
import { acceptStreams } from "../net/stream.ts";
import { EchoConnection, echoHandler } from "../relay/echo.ts";
import { command } from "./cli.ts";
import { ExitCode } from "./exit.ts";

const BACKLOG = 4096;

/** `echo ADDRESS`: a TCP server that answers what it hears, for demos, tests and first steps. */
export const echoCommand = command({
  meta: { name: "echo", description: "Run an echo server: it sends back every byte that it gets, until it is killed." },
  args: { address: { type: "positional", description: "where to listen, as 127.0.0.1:14901", required: true } },
  async run({ args }) {
    const parsed = parseEndpoint(args.address, BIND_RULES);
    if (!parsed.ok) throw new UserError(`"${args.address}" ${parsed.problem}: ${parsed.hint}`, ExitCode.usage);
    listenEcho(parsed.endpoint);
    process.stderr.write(`echo server ${process.pid} on ${formatEndpoint(parsed.endpoint)}\n`);
    return await new Promise<number>((resolve) => {
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => resolve(ExitCode.ok));
    });
  },
});

function listenEcho(endpoint: Parameters<typeof bindListeners>[0]): void {
  try {
    const [fd = -1] = bindListeners(endpoint, { sockets: 1, backlog: BACKLOG });
    acceptStreams(fd, BACKLOG, new EchoConnection(), echoHandler);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    throw new UserError(`cannot listen on ${formatEndpoint(endpoint)}: ${error.message}`, ExitCode.failed);
  }
}
