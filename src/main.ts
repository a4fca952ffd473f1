import { runCli } from "./cli/cli.ts";

/** The program's door: argv in, exit status out. */
process.exit(await runCli(process.argv.slice(2)));
