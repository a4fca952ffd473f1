import { closeSync, constants, openSync, readSync } from "node:fs";
import { atEnd } from "../support/cleanup.ts";

/** Opens a FIFO for reading; each call takes what is there and never waits. */
export function fifoReader(path: string): () => string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  atEnd(() => closeSync(fd));
  return () => {
    let text = "";
    const bytes = Buffer.alloc(1 << 16);
    try {
      for (let n = readSync(fd, bytes); n > 0; n = readSync(fd, bytes)) text += bytes.toString("utf8", 0, n);
    } catch (failure) {
      if ((failure as NodeJS.ErrnoException).code !== "EAGAIN") throw failure;
    }
    return text;
  };
}
