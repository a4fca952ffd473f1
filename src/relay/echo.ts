import type { Endpoint } from "../core/endpoint.ts";
import { bindListeners } from "../net/listen.ts";
import { acceptStreams, type StreamHandler } from "../net/stream.ts";
import { Flow } from "./flow.ts";

const BACKLOG = 4096;

/** A connection whose only flow leads back to where it came from. */
class EchoConnection {
  flow: Flow | null = null;
}

/** Sends back every byte; the client's FIN is answered by ours when all is sent. */
const echoHandler: StreamHandler<EchoConnection> = {
  open(socket) {
    socket.data = new EchoConnection();
    socket.data.flow = new Flow(socket, socket);
  },
  data: (socket, chunk) => socket.data.flow?.push(chunk),
  drain(socket) {
    socket.data.flow?.flush();
  },
  end: (socket) => socket.data.flow?.end(),
  close() {},
};

/** Runs an echo server in this process until it ends; throws SystemError when it cannot listen. */
export function startEchoServer(endpoint: Endpoint): void {
  const [fd = -1] = bindListeners(endpoint, { sockets: 1, backlog: BACKLOG });
  acceptStreams(fd, BACKLOG, new EchoConnection(), echoHandler);
}
