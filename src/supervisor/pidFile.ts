import { renameSync, unlinkSync, writeFileSync } from "node:fs";

/** Writes the pid so that a reader sees all of it or nothing; returns what removes the file again. Throws fs errors. */
export function writePidFile(path: string, pid: number): () => void {
  const temporary = `${path}.${pid}`;
  writeFileSync(temporary, `${pid}\n`, { mode: 0o644 });
  renameSync(temporary, path);
  return () => {
    try {
      unlinkSync(path);
    } catch {
      // Removed by somebody else: all the same to us.
    }
  };
}
