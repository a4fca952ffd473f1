import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { start } from "../../../support/process.ts";
import { tmpDir } from "../../../support/tmp.ts";
import { until } from "../../../support/until.ts";
import type { Host } from "./lan.ts";
import { commOf, type Node, pidsOf, signal } from "./node.ts";

export interface KeepalivedWishes {
  /** Text of keepalived.conf. */
  config: string;
  /** "host:port" of the server behind haproxy; without it no haproxy is started. */
  server?: string | undefined;
}

/** Port of the service on every node. */
export const SERVICE_PORT = 14900;

/**
 * Real keepalived, with real haproxy beside it when there is a server. They have a process table of their own, so that
 * `killall -0 haproxy` does not find the other node's. The end of one of them is not the end of the other.
 */
export async function startKeepalived(host: Host, { config, server }: KeepalivedWishes): Promise<Node> {
  const dir = tmpDir();
  const file = (name: string, text: string): string => {
    const path = join(dir, name);
    writeFileSync(path, text);
    return path;
  };
  const keepalived = [
    "keepalived",
    ...["--vrrp", "--dont-fork", "--log-console", "--log-detail"],
    ...["-f", file("keepalived.conf", config), "-p", join(dir, "pid"), "-r", join(dir, "vrrp.pid")],
  ].join(" ");
  const haproxy = server === undefined ? "" : `haproxy -q -f ${file("haproxy.cfg", haproxyConfig(server))} & `;
  const running = start(
    host.ns.inside([
      ...["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"],
      ...["sh", "-c", `${haproxy}${keepalived} & wait`],
    ]),
    { env: { PATH: `${process.env.PATH ?? ""}:/usr/local/sbin:/usr/sbin:/sbin` } },
  );
  await running.waitFor(/Opening file '.*keepalived\.conf'/);
  if (server !== undefined) await until("haproxy", async () => (await pidsNamed(host, "haproxy")).length > 0);

  const daemon = (): Promise<number> => first(host, "keepalived", dir);
  const parent = await daemon();
  return {
    kind: "keepalived",
    host,
    output: running.output,
    async stop({ timeoutMs = 10_000 } = {}) {
      signal(parent, "SIGTERM");
      await until("keepalived to end", async () => (await pidsNamed(host, "keepalived")).length === 0, { timeoutMs });
      await running.kill();
    },
    proxyPid: () => first(host, "haproxy", dir),
  };
}

/** The service of the classic set-up, in front of one server. */
function haproxyConfig(server: string): string {
  return `
defaults
  mode tcp
  timeout connect 1s
  timeout client 5s
  timeout server 5s
listen tcp_service_a
  bind :${SERVICE_PORT}
  option tcp-check
  server tcp_service_a_01 ${server} check inter 500 fall 2
`;
}

async function pidsNamed(host: Host, name: string): Promise<number[]> {
  return (await pidsOf(host)).filter((pid) => commOf(pid) === name);
}

/** The oldest process of that name: keepalived's parent, not its VRRP child. */
async function first(host: Host, name: string, where: string): Promise<number> {
  return until(`${name} of ${where}`, async () => (await pidsNamed(host, name)).sort((a, b) => a - b)[0]);
}
