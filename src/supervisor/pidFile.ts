import { readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from "node:fs";

/** Writes the pid so that a reader sees all of it or nothing; returns what removes the file again. Throws fs errors. */
export function writePidFile(path: string, pid: number): () => void {
  const temporary = `${path}.${pid}`;
  try {
    writeFileSync(temporary, `${pid}\n`, { mode: 0o644 });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  return () => {
    try {
      // Another instance may have been started with the same file.
      if (readFileSync(path, "utf8") === `${pid}\n`) unlinkSync(path);
    } catch {
      // Removed by somebody else: all the same to us.
    }
  };
}
