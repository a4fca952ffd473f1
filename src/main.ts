/** The program's door: argv in, exit status out. */
const args = process.argv.slice(2);

if (args[0] === "__proxy") {
  const { runProxyProcess } = await import("./proxy/entry.ts");
  runProxyProcess();
} else {
  const { runCli } = await import("./cli/cli.ts");
  const code = await runCli(args);
  // A pipe takes its time: exit when it has everything.
  process.stdout.write("", () => process.exit(code));
}

export {};
