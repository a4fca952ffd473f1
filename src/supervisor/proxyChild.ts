import type { Clock } from "../core/clock.ts";
import { childEnvironment } from "../core/self.ts";
import { createFdChannel } from "../net/fdPassing.ts";
import { libc } from "../net/libc.ts";
import { type ChannelEnds, createChannel } from "../net/lineChannel.ts";
import type { ProxyCommand, ProxyReport, ProxyStart } from "../proxy/protocol.ts";
import { AdoptedProxy } from "./adoptedProxy.ts";
import type { OpenProxy } from "./handoff.ts";
import type { BoundBind, BoundListeners } from "./listeners.ts";

/** Fds of a child's stdio before those we add. */
const FIRST_EXTRA_FD = 3;

/** The command line that becomes a proxy process, and the name that it shows in process lists. */
export interface ProxyProgram {
  command: readonly string[];
  name: string;
}

/** A proxy process as we deal with it, whichever program has started it. */
export interface ProxyChild extends OpenProxy {
  /** Nothing when it is gone: its end is told. */
  send(command: ProxyCommand): void;
  kill(signal: NodeJS.Signals): void;
}

/** Who hears of a proxy process. */
export interface ChildObserver {
  onReport(child: ProxyChild, report: ProxyReport): void;
  /** @param code exit status; null when a signal ended it */
  onExit(child: ProxyChild, how: string, code: number | null): void;
}

/** What a proxy process is started with beyond the numbers of its descriptors. */
export type StartTerms = Omit<ProxyStart, "kind" | keyof ChildFds>;
type ChildFds = Pick<ProxyStart, "listeners" | "stats" | "admin" | "adminFd" | "passingFd" | "handoverFd">;

/** Starts a proxy process on these sockets. Throws when there is no process, memory or descriptor to be had. */
export function spawnChild(
  program: ProxyProgram,
  listeners: BoundListeners,
  terms: StartTerms,
  observer: ChildObserver,
): ProxyChild {
  const ends: ChannelEnds[] = [];
  try {
    const handover = createChannel();
    ends.push(handover);
    const passing = createFdChannel();
    ends.push(passing);
    const child = spawnWith(program, listeners, { handover, passing }, observer);
    child.send({ kind: "start", ...terms, ...childFds(listeners) });
    return child;
  } catch (error) {
    for (const { ours } of ends) libc.close(ours);
    throw error;
  } finally {
    for (const { theirs } of ends) libc.close(theirs);
  }
}

/** A proxy process that the program before this one has started. */
export function adoptChild(open: OpenProxy, clock: Clock, observer: ChildObserver): ProxyChild {
  const adopted = new AdoptedProxy(open, clock, {
    onReport: (report) => observer.onReport(child, report),
    onExit: ({ how, code }) => {
      libc.close(open.passing);
      observer.onExit(child, how, code);
    },
  });
  const { pid, channel, passing } = open;
  const child: ProxyChild = {
    ...{ pid, channel, passing },
    get rest() {
      return adopted.channel.rest;
    },
    send: (command) => adopted.send(command),
    kill: (signal) => adopted.kill(signal),
  };
  return child;
}

function spawnWith(
  program: ProxyProgram,
  listeners: BoundListeners,
  { handover, passing }: { handover: ChannelEnds; passing: ChannelEnds },
  observer: ChildObserver,
): ProxyChild {
  const { listens, stats, adminBinds } = listeners;
  const listening = [...listens.flatMap(({ binds }) => binds), ...stats, ...adminBinds].flatMap(({ fds }) => fds);
  const spawned: Bun.Subprocess = Bun.spawn({
    cmd: [...program.command],
    argv0: program.name,
    env: childEnvironment(process.env),
    stdio: ["ignore", "inherit", "inherit", ...listening, listeners.admin, passing.theirs, handover.theirs],
    ipc: (message) => observer.onReport(child, message as ProxyReport),
    serialization: "json",
    onExit: (_child, code, signal) => {
      libc.close(handover.ours);
      libc.close(passing.ours);
      observer.onExit(child, signal === null ? `exit status ${code}` : `killed by signal ${signal}`, code);
    },
  });
  const child: ProxyChild = {
    pid: spawned.pid,
    channel: handover.ours,
    passing: passing.ours,
    rest: { heard: "", unsent: "" }, // nothing has been said over it
    send(command) {
      try {
        spawned.send(command);
      } catch {
        // It is gone; onExit says so.
      }
    },
    kill: (signal) => spawned.kill(signal),
  };
  return child;
}

/** Numbers that our fds have in the child: it gets them in the order of its stdio. */
function childFds({ listens, stats, adminBinds }: BoundListeners): ChildFds {
  let next = FIRST_EXTRA_FD;
  const numbered = ({ id, fds }: BoundBind) => ({ id, fds: fds.map(() => next++) });
  const listeners = listens.map(({ listen, binds }) => ({ listen, binds: binds.map(numbered) }));
  const services = { stats: stats.map(numbered), admin: adminBinds.map(numbered) };
  return { listeners, ...services, adminFd: next, passingFd: next + 1, handoverFd: next + 2 };
}
