import type { StreamHandler } from "../net/stream.ts";
import { Flow } from "./flow.ts";

/** A connection whose only flow leads back to where it came from. */
export class EchoConnection {
  flow: Flow | null = null;
}

/** Sends back every byte; the client's FIN is answered by ours when all is sent. */
export const echoHandler: StreamHandler<EchoConnection> = {
  open(socket) {
    socket.data = new EchoConnection();
    socket.data.flow = new Flow(socket, socket);
  },
  data: (socket, chunk) => socket.data.flow?.push(chunk),
  drain: (socket) => socket.data.flow?.flush(),
  end: (socket) => socket.data.flow?.end(),
  close() {},
};
