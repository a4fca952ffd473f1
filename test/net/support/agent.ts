import { join } from "node:path";
import { atEnd } from "../../support/cleanup.ts";
import type { Netns } from "../../support/netns.ts";
import type { AgentCalls, AgentReply, AgentRequest } from "./agentProcess.ts";

/** Our netlink code inside a namespace. */
export interface Agent {
  /** Runs one function of agentProcess.ts there; rejects when it throws. */
  call<Name extends keyof AgentCalls>(
    name: Name,
    ...args: Parameters<AgentCalls[Name]>
  ): Promise<ReturnType<AgentCalls[Name]>>;
}

/** Starts it; it ends with the test. */
export function startAgent(ns: Netns): Agent {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let lastId = 0;
  const child = Bun.spawn(ns.inside([process.execPath, join(import.meta.dir, "agentProcess.ts")]), {
    stdio: ["ignore", "inherit", "inherit"],
    ipc(reply: AgentReply) {
      const call = waiting.get(reply.id);
      waiting.delete(reply.id);
      if ("failure" in reply) call?.reject(new Error(reply.failure));
      else call?.resolve(reply.result);
    },
    onExit() {
      for (const call of waiting.values()) call.reject(new Error("the agent ended"));
    },
  });
  atEnd(async () => {
    child.kill("SIGKILL");
    await child.exited;
  });
  return {
    call: <Name extends keyof AgentCalls>(name: Name, ...args: Parameters<AgentCalls[Name]>) => {
      const call = Promise.withResolvers<unknown>();
      waiting.set(++lastId, call);
      const request: AgentRequest = { id: lastId, name, args };
      child.send(request);
      return call.promise as Promise<ReturnType<AgentCalls[Name]>>;
    },
  };
}
