import { atEnd } from "../support/cleanup.ts";
import type { ListenAnswer, ListenOrder } from "./listenChild.ts";

/** Another process of ours that binds listeners when told to. */
export interface Instance {
  ask(order: ListenOrder): Promise<ListenAnswer>;
  /** Kills it with SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
}

/** Starts one; it ends with the test. */
export async function startInstance(): Promise<Instance> {
  const waiting: ((answer: ListenAnswer) => void)[] = [];
  const next = (): Promise<ListenAnswer> => new Promise((resolve) => waiting.push(resolve));
  const ready = next();
  const child = Bun.spawn([process.execPath, new URL("./listenChild.ts", import.meta.url).pathname], {
    stdio: ["ignore", "inherit", "inherit"],
    ipc: (answer: ListenAnswer) => waiting.shift()?.(answer),
  });
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await child.exited;
  };
  atEnd(kill);
  await ready;
  return {
    ask(order) {
      const answer = next();
      child.send(order);
      return answer;
    },
    kill,
  };
}
