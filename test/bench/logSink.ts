/** A UDP port of the loopback that takes log lines and counts them. */
export interface LogSink {
  port: number;
  received(): number;
  close(): void;
}

/** Opens the sink on a free port. */
export async function openLogSink(): Promise<LogSink> {
  let received = 0;
  const socket = await Bun.udpSocket({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data() {
        received++;
      },
      error() {
        // Nothing is ever sent from here, so an ICMP error cannot concern us.
      },
    },
  });
  return { port: socket.port, received: () => received, close: () => socket.close() };
}
