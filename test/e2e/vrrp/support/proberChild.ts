/**
 * Run inside a namespace: a client in a loop. Connects, sends a byte, expects the server's name and that byte, and
 * prints one line per success: "ok EPOCH_MS NAME". `bun proberChild.ts HOST PORT EVERY_MS`
 */
import { connect } from "node:net";

/** A try that takes longer has met a dead owner; the next ones are under way already. */
const PATIENCE_MS = 250;

const [host = "", port = "", everyMs = ""] = process.argv.slice(2);

function tryOnce(): void {
  const socket = connect({ host, port: Number(port) });
  const timer = setTimeout(() => socket.destroy(), PATIENCE_MS);
  socket.setNoDelay(true);
  socket.on("connect", () => socket.write("."));
  socket.on("data", (bytes: Buffer) => {
    const said = bytes.toString("latin1");
    if (!said.endsWith(".")) return;
    console.log(`ok ${(performance.timeOrigin + performance.now()).toFixed(1)} ${said.slice(0, -1)}`);
    // Reset, so that thousands of tries leave no TIME-WAIT behind.
    socket.resetAndDestroy();
  });
  // A refused or unreachable try is a gap, and shows as one.
  socket.on("error", () => {});
  socket.on("close", () => clearTimeout(timer));
}

setInterval(tryOnce, Number(everyMs));
console.log("started");
