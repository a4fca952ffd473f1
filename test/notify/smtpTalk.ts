import { atEnd } from "../support/cleanup.ts";
import { freePort } from "../support/ports.ts";

/** What a scripted server does next: answers a line, says nothing to one, or sends bytes for ever that make no line. */
type Turn = string | null | { dripEveryMs: number };

/**
 * A mail server with moods that no real one has at command: it greets with the first turn and answers each command (and
 * the end of the message) with the next; when there are none left it hangs. Returns its port.
 */
export function talk(turns: readonly Turn[]): number {
  const port = freePort();
  const drips = new Set<Timer>();
  const server = Bun.listen<{ next: number; text: string; inMessage: boolean }>({
    hostname: "127.0.0.1",
    port,
    socket: {
      open(socket) {
        socket.data = { next: 0, text: "", inMessage: false };
        turn(socket);
      },
      data(socket, bytes) {
        const { data } = socket;
        data.text += bytes.toString();
        for (;;) {
          const end = data.text.indexOf(data.inMessage ? "\r\n.\r\n" : "\r\n");
          if (end === -1) return;
          data.text = data.text.slice(end + (data.inMessage ? 5 : 2));
          data.inMessage = false;
          turn(socket);
        }
      },
    },
  });
  const turn = (socket: Bun.Socket<{ next: number; inMessage: boolean }>): void => {
    const said = turns[socket.data.next++];
    if (said === undefined || said === null) return;
    if (typeof said === "string") {
      socket.data.inMessage = said.startsWith("354");
      socket.write(`${said}\r\n`);
    } else drips.add(setInterval(() => socket.write("2"), said.dripEveryMs));
  };
  atEnd(() => {
    for (const drip of drips) clearInterval(drip);
    server.stop(true);
  });
  return port;
}
