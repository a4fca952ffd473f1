import { type Clock, systemClock } from "../core/clock.ts";
import { childEnvironment, STAND_IN } from "../core/self.ts";
import { reap } from "../net/execute.ts";
import { libc } from "../net/libc.ts";
import { type ChannelEnds, createChannel, LineChannel } from "../net/lineChannel.ts";
import { type StandInRouter, sendInPlaceOf } from "../vrrp/standIn.ts";
import type { OpenProcess } from "./handoff.ts";

/** Its end of the channel: the first after the standard streams. */
const CHANNEL_FD = 3;
/** Nobody waits longer for it: the adverts pause for a moment then. */
const READY_MS = 2000;
/** A program that has not taken over by then hangs: another router is to have the addresses. */
export const STAND_IN_SECONDS = 3;
const LOOK_MS = 100;

/** Bytes as JSON has them. */
type Plain<T> = { [K in keyof T]: T[K] extends Uint8Array ? number[] : T[K] };

/**
 * Starts a process that sends our adverts while another program is executed in our place: that takes longer on a busy host
 * than other routers wait. It ends when its channel does, thus with us at the latest. null: nothing to send, or it did not start.
 *
 * @param stopped nothing may be sent any more: it is ended at once
 */
export async function startStandIn(
  program: readonly string[],
  routers: readonly StandInRouter[],
  clock: Clock,
  stopped: AbortSignal,
): Promise<OpenProcess | null> {
  if (routers.length === 0) return null;
  let ends: ChannelEnds;
  try {
    ends = createChannel();
  } catch {
    return null;
  }
  const { ours, theirs } = ends;
  try {
    const child = Bun.spawn({
      cmd: [...program, STAND_IN],
      argv0: "haproxy-lite",
      env: childEnvironment(process.env),
      stdio: ["ignore", "ignore", "ignore", theirs],
    });
    stopped.addEventListener("abort", () => child.kill("SIGKILL"), { once: true });
    // Bytes, not a channel object of ours: what executes next must find the descriptor untouched.
    const order = Buffer.from(`${JSON.stringify(routers, (_key, value) => plain(value))}\n`);
    libc.send(ours, order, order.length, 0);
    await readable(ours, clock);
    return { pid: child.pid, channel: ours };
  } catch {
    libc.close(ours);
    return null;
  } finally {
    libc.close(theirs);
  }
}

/** We speak for ourselves again; it was started by the program that was here before. */
export function dismissStandIn({ pid, channel }: OpenProcess, clock: Clock): void {
  libc.close(channel);
  const look = (): void => {
    if (reap(pid) === null) clock.after(LOOK_MS, look);
  };
  look();
}

/** Is the stand-in: sends what it is told over its channel until that ends. The promise is for the exit status. */
export function runStandIn(): Promise<number> {
  return new Promise((exit) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
    const channel = new LineChannel(CHANNEL_FD, {
      onMessage(message) {
        sendInPlaceOf((message as Plain<StandInRouter>[]).map(revive), systemClock);
        channel.send("sending");
        systemClock.after(STAND_IN_SECONDS * 1000, () => exit(0));
      },
      onClosed: () => exit(0),
    });
  });
}

async function readable(fd: number, clock: Clock): Promise<void> {
  const byte = new Uint8Array(new ArrayBuffer(64));
  for (let waitedMs = 0; waitedMs < READY_MS; waitedMs += 5) {
    if (Number(libc.recv(fd, byte, byte.length, 0)) >= 0) return;
    await new Promise<void>((resolve) => void clock.after(5, resolve));
  }
  throw new Error("the stand-in does not answer");
}

function plain(value: unknown): unknown {
  return value instanceof Uint8Array ? [...value] : value;
}

function revive({ socket, adverts, intervalMs }: Plain<StandInRouter>): StandInRouter {
  const bytes = (from: Uint8Array | null): Uint8Array | null => (from === null ? null : Uint8Array.from(from));
  return {
    socket: { ...socket, group: bytes(socket.group), source: bytes(socket.source) },
    adverts: adverts.map(({ destination, message }) => ({
      destination: Uint8Array.from(destination),
      message: Uint8Array.from(message),
    })),
    intervalMs,
  };
}
