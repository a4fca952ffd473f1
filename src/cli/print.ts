import { fstatSync } from "node:fs";

const FDS = { stdout: 1, stderr: 2 } as const;

/**
 * Writes all of a text before it returns, in one piece where the reader takes it: a pipe takes 64 KiB at a time, and what
 * still waits when the process exits is lost. A reader that has seen enough (EPIPE) is no error.
 */
export async function print(stream: keyof typeof FDS, text: string): Promise<void> {
  try {
    await Bun.write(Bun[stream], text);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPIPE") throw error;
  }
}

/** Whether colour is welcome: on a terminal, and not for those who asked for none (no-color.org). */
export function wantsColour(stream: keyof typeof FDS): boolean {
  // Asking process.stdout would load Bun's streams: a third of the time that `status` takes.
  return fstatSync(FDS[stream]).isCharacterDevice() && !process.env.NO_COLOR;
}
