import type { VrrpInstanceSnapshot, VrrpSnapshot } from "../../../../src/stats/vrrpSnapshot.ts";
import { type Proxy as RunningProxy, startProxy } from "../../../support/instance.ts";
import { type UntilOptions, until } from "../../../support/until.ts";
import { proxyPid } from "../../process/stand.ts";
import { SERVICE_PORT } from "./keepalived.ts";
import { DEVICE, type Host } from "./lan.ts";
import type { Node } from "./node.ts";

/** Our node: the program, and what its status says. */
export interface OurNode extends Node {
  readonly kind: "haproxy-lite";
  readonly proxy: RunningProxy;
  /** The virtual router as `status --json` has it. Throws when it is not there. */
  router(name?: string): Promise<VrrpInstanceSnapshot>;
}

/** What the configuration of ours says. */
export interface OurWishes {
  /** Lines of `[vrrp.instance.VI_1]`, `interface` apart. */
  instance: string;
  /** "host:port" of the server behind; checked every 500 ms. Default: one that is not checked and not there. */
  server?: string | undefined;
  /** Lines of `[listen.tcp_service_a]`. */
  listen?: string | undefined;
  /** Lines of `[vrrp]`. */
  vrrp?: string | undefined;
  /** Whole tables, put at the end. */
  more?: string | undefined;
}

/** The configuration of ours, as of design §4. */
export function ourConfig({ instance, server, listen, vrrp = "", more = "" }: OurWishes): string {
  const check = server === undefined ? "" : '[listen.tcp_service_a.check]\ninterval = "500ms"\nrise = 2\nfall = 2';
  return [
    "[global]\nthreads = 1",
    '[[log]]\naddress = "stdout"\nlevel = "info"',
    '[defaults.timeout]\nconnect = "1s"\nclient = "5s"\nserver = "5s"',
    `[listen.tcp_service_a]\n${listen ?? `bind = ":${SERVICE_PORT}"`}\nlog = "off"`,
    check,
    `[[listen.tcp_service_a.server]]\nname = "tcp_service_a_01"\naddress = "${server ?? "127.0.0.1:9"}"`,
    `[vrrp]\n${vrrp}`,
    `[vrrp.instance.VI_1]\ninterface = "${DEVICE}"\n${instance}`,
    more,
  ].join("\n\n");
}

/** Starts the compiled binary on a host; resolves when its listens are live. */
export async function startOurs(host: Host, wishes: OurWishes): Promise<OurNode> {
  const proxy = await startProxy(ourConfig(wishes), { inside: host.ns.inside([]) });
  return {
    kind: "haproxy-lite",
    host,
    proxy,
    output: proxy.output,
    async stop({ timeoutMs = 10_000 } = {}) {
      await proxy.stop({ timeoutMs });
    },
    proxyPid: () => proxyPid(proxy),
    async router(name = "VI_1") {
      const { vrrp } = await proxy.statusJson<{ vrrp: VrrpSnapshot | null }>();
      const found = vrrp?.instances.find((instance) => instance.name === name);
      if (found === undefined) throw new Error(`no ${name} in ${JSON.stringify(vrrp)}`);
      return found;
    },
  };
}

/** Waits until the router's status satisfies a condition, and returns it. */
export function untilRouter(
  node: OurNode,
  what: string,
  look: (router: VrrpInstanceSnapshot) => boolean,
  options?: UntilOptions & { name?: string },
): Promise<VrrpInstanceSnapshot> {
  return until(
    what,
    async () => {
      const router = await node.router(options?.name);
      if (!look(router)) throw new Error(JSON.stringify(router));
      return router;
    },
    { everyMs: 50, ...options },
  );
}
