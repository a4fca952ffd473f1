import { runCli } from "./cli/cli.ts";
import { holdSignals } from "./core/earlySignals.ts";

holdSignals();

// The program's door: argv in, exit status out. Not awaited: while a module's top level waits, Bun only prints an uncaught
// error and goes on, and a process of ours that limps must rather end and be started again.
void runCli(process.argv.slice(2)).then((code) => process.exit(code));
