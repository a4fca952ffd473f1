import { markedCommand, readMarked } from "../admin/severity.ts";
import { command } from "./command.ts";
import { ExitCode } from "./exit.ts";
import { print } from "./print.ts";
import { askFirst, findSockets, thisPlace } from "./status.ts";

/** An order to the supervisor, such as a reload, takes as long as it takes to resolve the names in a file. */
const TIMEOUT_MS = 60_000;

/** `ctl COMMAND…`: sends one command of the runtime API; exit 0, 1 when it was refused, 3 not running. */
export const ctlCommand = command({
  meta: { name: "ctl", description: "Send a command to the running balancer and print its answer." },
  args: {
    config: {
      type: "string",
      alias: "c",
      valueHint: "FILE",
      description: "configuration file that names the admin socket",
    },
    socket: { type: "string", valueHint: "PATH", description: "admin socket of the running balancer" },
    command: {
      type: "positional",
      required: true,
      valueHint: "COMMAND…",
      description: 'as in "ctl reload", "ctl help"',
    },
  },
  async run({ args }) {
    const sockets = await findSockets(args, thisPlace());
    const { text, refused } = readMarked(await askFirst(sockets, markedCommand(args.command), TIMEOUT_MS));
    print(refused ? "stderr" : "stdout", text);
    return refused ? ExitCode.failed : ExitCode.ok;
  },
});
