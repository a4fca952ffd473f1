import { writeFileSync } from "node:fs";

/** What `ps -o comm`, `top` and `pidof` show of this process: the first 15 bytes of `name`. */
export function nameProcess(name: string): void {
  try {
    writeFileSync("/proc/self/comm", name);
  } catch {
    // An executable with file capabilities may not look into its own /proc entry: it keeps the file's name.
  }
}
