import { runCli } from "./cli/cli.ts";

/** The program's door: argv in, exit status out. */
const code = await runCli(process.argv.slice(2));
// A pipe takes its time: exit when it has everything.
process.stdout.write("", () => process.exit(code));
