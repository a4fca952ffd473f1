import type { Endpoint } from "../../src/core/endpoint.ts";
import { errnoName } from "../../src/core/errno.ts";
import { ephemeralPorts } from "../../src/core/host.ts";
import { startConnect } from "../../src/net/connect.ts";
import { bindListeners } from "../../src/net/listen.ts";
import { encodeSockaddr } from "../../src/net/sockaddr.ts";
import { dial } from "./streams.ts";

const tcp = (host: string, port: number): Endpoint => ({ kind: "tcp", host, port });

function connectTo(endpoint: Endpoint, source: string | null): number {
  const address = encodeSockaddr(endpoint);
  return startConnect(address, address.length, source === null ? null : encodeSockaddr(tcp(source, 0)));
}

/** How a connect to each host ends. */
async function dialAll(hosts: readonly string[]): Promise<string[]> {
  return Promise.all(hosts.map((host) => dial(connectTo(tcp(host, 4900), null)).outcome));
}

/** Connects from one source to three servers until the local ports are used up. */
function exhaust(): unknown {
  const servers = [5001, 5002, 5003].map((port) => tcp("127.0.0.1", port));
  for (const server of servers) bindListeners(server, { sockets: 1, backlog: 16 });
  const { low: first = 0, high: last = 0 } = ephemeralPorts() ?? {};
  const perServer = servers.map((server) => {
    let connected = 0;
    while (connected <= last - first && connectTo(server, "127.0.0.2") >= 0) connected++;
    return connected;
  });
  const fd = connectTo(servers[0] as Endpoint, "127.0.0.2");
  return { ephemeralPorts: [first, last], perServer, afterwards: fd < 0 ? errnoName(-fd) : "connected" };
}

const [what, ...args] = process.argv.slice(2);
console.log(JSON.stringify(what === "dial" ? await dialAll(args) : exhaust()));
process.exit(0);
