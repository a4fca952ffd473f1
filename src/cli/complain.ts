import { print, wantsColour } from "./print.ts";

/** Says on stderr why a command did not do what was asked: with a badge to a person, as `haproxy-lite: …` to a script. */
export async function complain(text: string): Promise<void> {
  if (!wantsColour("stderr")) {
    print("stderr", `haproxy-lite: ${text}\n`);
    return;
  }
  // Loaded when a person is to read it: it costs more than a whole `status`.
  const { createConsola } = await import("consola");
  const { stderr } = process;
  createConsola({ stdout: stderr, stderr, formatOptions: { date: false, compact: true } }).error(text);
}
