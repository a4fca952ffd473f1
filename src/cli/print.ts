import { fstatSync, writeSync } from "node:fs";
import { UserError } from "../core/errors.ts";
import { ExitCode } from "./exit.ts";

const FDS = { stdout: 1, stderr: 2 } as const;
/** How long a full pipe is left alone before the next try. */
const RETRY_MS = 2;

/**
 * Writes all of a text before it returns: what still waits in a stream when the process exits is lost. (Bun.write would
 * truncate a file that the output is appended to.) A reader that has seen enough (EPIPE) is no error, but false; a full
 * disk is one.
 */
export function print(stream: keyof typeof FDS, text: string): boolean {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(FDS[stream], bytes, written);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === "EPIPE") return false;
      if (code !== "EAGAIN") throw new UserError(`cannot write to ${stream}: ${message}`, ExitCode.failed);
      Bun.sleepSync(RETRY_MS);
    }
  }
  return true;
}

/** Whether colour is welcome: on a terminal, and not for those who asked for none (no-color.org). */
export function wantsColour(stream: keyof typeof FDS): boolean {
  return isTerminal(stream) && !process.env.NO_COLOR;
}

/** Whether somebody reads it as it comes. */
export function isTerminal(stream: keyof typeof FDS): boolean {
  // Asking process.stdout would load Bun's streams: a third of the time that `status` takes.
  return fstatSync(FDS[stream]).isCharacterDevice();
}
