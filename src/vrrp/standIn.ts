import type { Clock } from "../core/clock.ts";
import { ProtocolSocket, type ProtocolSocketOptions } from "../net/rawSocket.ts";

/** Adverts of one MASTER, ready to be sent. */
export interface StandInRouter {
  readonly socket: ProtocolSocketOptions;
  readonly adverts: readonly { readonly destination: Uint8Array; readonly message: Uint8Array }[];
  readonly intervalMs: number;
}

/**
 * Sends the adverts of MASTERs that cannot for a moment, one at once and then at their interval, until the returned function
 * is called. Throws SystemError.
 */
export function sendInPlaceOf(routers: readonly StandInRouter[], clock: Clock): () => void {
  const stops = routers.map(({ socket: options, adverts, intervalMs }) => {
    const socket = ProtocolSocket.open(options);
    let cancel = () => {};
    const send = (): void => {
      cancel = clock.after(intervalMs, send);
      for (const [index, { destination, message }] of adverts.entries())
        socket.send(destination, message, { sameId: index > 0 });
    };
    send();
    return () => cancel();
  });
  return () => {
    for (const stop of stops) stop();
  };
}
