import { runCli } from "../../../src/cli/cli.ts";
import { holdSignals } from "../../../src/core/earlySignals.ts";

declare const VARIANT: string;

holdSignals();

// The product as another version of it might be: see versions.ts.
const [command] = process.argv.slice(2);
if (command === "(proxy)" && VARIANT === "crashingProxy") process.exit(3);
if (command === "(proxy)" && VARIANT === "hangingProxy") setInterval(() => {}, 1000);
else void runCli(process.argv.slice(2)).then((code) => process.exit(code));
