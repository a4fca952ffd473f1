import { join } from "node:path";
import { readConfig } from "../../../src/config/config.ts";
import type { VrrpConfig } from "../../../src/config/schema.ts";
import { atEnd } from "../../support/cleanup.ts";
import type { Netns } from "../../support/netns.ts";
import type { SpeakerCalls, SpeakerReply, SpeakerRequest } from "./speakerProcess.ts";

/** A speaker inside a namespace. */
export interface SpeakerAgent {
  /** Runs one function of speakerProcess.ts there; rejects when it throws. */
  call<Name extends keyof SpeakerCalls>(
    name: Name,
    ...args: Parameters<SpeakerCalls[Name]>
  ): Promise<Awaited<ReturnType<SpeakerCalls[Name]>>>;
}

/** Starts it; it ends with the test. */
export function startSpeaker(ns: Netns): SpeakerAgent {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let lastId = 0;
  const child = Bun.spawn(ns.inside([process.execPath, join(import.meta.dir, "speakerProcess.ts")]), {
    stdio: ["ignore", "inherit", "inherit"],
    ipc(reply: SpeakerReply) {
      const call = waiting.get(reply.id);
      waiting.delete(reply.id);
      if ("failure" in reply) call?.reject(new Error(reply.failure));
      else call?.resolve(reply.result);
    },
    onExit() {
      for (const call of waiting.values()) call.reject(new Error("the speaker's process ended"));
    },
  });
  atEnd(async () => {
    child.kill("SIGKILL");
    await child.exited;
  });
  return {
    call: <Name extends keyof SpeakerCalls>(name: Name, ...args: Parameters<SpeakerCalls[Name]>) => {
      const call = Promise.withResolvers<unknown>();
      waiting.set(++lastId, call);
      const request: SpeakerRequest = { id: lastId, name, args };
      child.send(request);
      return call.promise as Promise<Awaited<ReturnType<SpeakerCalls[Name]>>>;
    },
  };
}

/** [vrrp] with these tables, and a listen beside it, which every configuration has. */
export function vrrpConfig(tables: string): VrrpConfig {
  const toml = `
    [listen.web]
    bind = "127.0.0.1:8000"
    [[listen.web.server]]
    name = "s1"
    address = "127.0.0.1:9000"
    ${tables}`;
  const read = readConfig({ path: "f.toml", bytes: new TextEncoder().encode(toml) }, { cpus: 2, ephemeralPorts: null });
  if (read.config?.vrrp == null) throw new Error(JSON.stringify(read.issues));
  return read.config.vrrp;
}
