import { systemClock } from "../core/clock.ts";
import { assertNever } from "../core/errors.ts";
import { resolveHost } from "../core/host.ts";
import { LineChannel } from "../net/lineChannel.ts";
import { nameProcess } from "../net/processName.ts";
import { StandardStream } from "../net/standardStreams.ts";
import { enterChroot, readHostFacts } from "./chroot.ts";
import { dropPrivileges } from "./privileges.ts";
import type { ProxyCommand, ProxyReport } from "./protocol.ts";
import { ProxyProcess } from "./proxyProcess.ts";
import { shedPrivileges } from "./shed.ts";

/** Another one than the supervisor's, so that signals by name reach that alone. */
const COMMAND_NAME = "haproxy-lite:px";
/** Exit status of a proxy process that could not serve; the supervisor has been told why. */
const EX_SOFTWARE = 70;
/** A supervisor that is frozen reads nothing: beyond so many, reports of health are not kept for it, nor events. */
const MAX_UNREAD: Partial<Record<ProxyReport["kind"], number>> = { health: 25, event: 1000 };
/** A supervisor that is frozen does not keep a process that ends from ending. */
const LAST_WORDS_MS = 1000;

/**
 * Runs the proxy process: it lives on what the supervisor says over IPC, and ends gracefully when the supervisor is gone.
 * The promise is for its exit status.
 */
export async function runProxyProcess(): Promise<number> {
  shedPrivileges(); // before anything is read from the supervisor
  nameProcess(COMMAND_NAME);
  const stdout = new StandardStream(process.stdout);
  const stderr = new StandardStream(process.stderr);
  const status = await new Promise<number>((exit) => listen(stdout, stderr, exit));
  await Promise.all([stdout.drain(), stderr.drain()]);
  return status;
}

function listen(stdout: StandardStream, stderr: StandardStream, exit: (code: number) => void): void {
  let unread = 0;
  let handover: LineChannel | null = null;
  /** Another program is in the supervisor's place: the end of the usual channel may not have been seen yet. */
  let handedOver = false;
  const report = (message: ProxyReport): boolean => {
    if (handedOver || !process.connected) {
      if (handover?.isClogged === true && message.kind in MAX_UNREAD) return false;
      handover?.send(message);
      return true;
    }
    if (unread >= (MAX_UNREAD[message.kind] ?? Infinity)) return false;
    unread++;
    process.send?.(message, undefined, undefined, () => unread--);
    return true;
  };
  let proxy: ProxyProcess | null = null;
  // A terminal's Ctrl-C and a service manager's TERM reach every process of ours; what they mean is the supervisor's to say.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => {});
  process.on("SIGHUP", () => {});
  const orphaned = (): void => {
    if (proxy === null) exit(0);
    else proxy.orphaned();
  };
  process.on("disconnect", () => {
    // After a handover the supervisor lives on as another program, which has the other channel.
    if (handover === null) orphaned();
  });
  let handoverFd: number | null = null;
  const handOver = (): void => {
    if (handoverFd !== null) {
      handover ??= new LineChannel(handoverFd, {
        onMessage(message) {
          handedOver = true;
          obey(message);
        },
        onClosed: () => {
          handover = null;
          if (!process.connected) orphaned();
        },
      });
    }
    report({ kind: "handedOver" });
  };
  const obey = (message: unknown): void => {
    const command = message as ProxyCommand; // our own supervisor's, over a private channel
    switch (command.kind) {
      case "start":
        handoverFd = command.handoverFd;
        try {
          const host = readHostFacts();
          if (command.chroot !== null) enterChroot(command.chroot);
          if (command.account !== null) dropPrivileges(command.account);
          proxy = new ProxyProcess(command, {
            clock: systemClock,
            resolve: resolveHost,
            host,
            stdout,
            stderr,
            report,
            // What was counted last is to arrive.
            exit: (code) => void Promise.race([handover?.drain(), Bun.sleep(LAST_WORDS_MS)]).then(() => exit(code)),
          });
          proxy.start();
        } catch (error) {
          report({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
          exit(EX_SOFTWARE);
        }
        return;
      case "stop":
        proxy?.stop();
        return;
      case "end":
        proxy?.end();
        return;
      case "reload":
        void proxy?.reload(command);
        return;
      case "ordered":
        proxy?.ordered(command.order, command.text);
        return;
      case "handover":
        handOver();
        return;
      case "describe":
        proxy?.describe();
        return;
      case "retire":
        proxy?.retire();
        return;
      case "counted":
        proxy?.counted(command.counted);
        return;
      case "journal":
        proxy?.numbered(command.events, command.own);
        return;
      case "vrrp":
        proxy?.showVrrp(command.snapshot);
        return;
      default:
        // Another version of this program may have taken the supervisor's place, and say more than we know.
        if (handover === null) assertNever(command);
    }
  };
  process.on("message", obey);
}
