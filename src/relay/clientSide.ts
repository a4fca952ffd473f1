import type { StreamHandler } from "../net/stream.ts";

/** Who hears what happens on an accepted socket: its session, or whoever keeps it until there is room for one. */
export interface ClientSide {
  clientData(chunk: Uint8Array): void;
  clientDrain(): void;
  clientEnd(): void;
  clientClosed(error: Error | undefined): void;
}

/** The events of an accepted socket, save `open`. */
export const clientEvents: StreamHandler<ClientSide> = {
  data: (socket, chunk) => socket.data.clientData(chunk),
  drain: (socket) => socket.data.clientDrain(),
  end: (socket) => socket.data.clientEnd(),
  close: (socket, error) => socket.data.clientClosed(error),
};
