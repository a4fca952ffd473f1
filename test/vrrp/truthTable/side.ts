import { readConfig } from "../../../src/config/config.ts";
import { ipVersion } from "../../../src/core/endpoint.ts";
import type { Pair, Side } from "../../../src/vrrp/truthTable/pair.ts";

/** What a test says of one host; everything else is as in a sound pair. */
export interface SideWishes {
  /** Lines of [vrrp.instance.VI_1], after interface, id and address. */
  instance?: string;
  /** Instead of the whole [vrrp.instance.VI_1]. */
  instances?: string;
  /** Further tables. */
  more?: string;
  /** Tables of the listens; default: one, tracked by nobody unless the instance says so. */
  listens?: string;
  daemon?: Side["daemon"];
  /** Programs that cannot be run there, and why. */
  broken?: Readonly<Record<string, string>>;
  address?: string;
}

/** A listen with two checked servers. */
export function listen(name: string, port: number): string {
  return `[listen.${name}]
bind = ":${port}"
timeout = { connect = "5s", client = "1m", server = "1m" }
[listen.${name}.check]
interval = "2s"
timeout = "1s"
[[listen.${name}.server]]
name = "s1"
address = "192.0.2.11:4900"
[[listen.${name}.server]]
name = "s2"
address = "192.0.2.12:4900"
`;
}

/** A host as its file makes it; throws when the file is refused. */
export function sideOf(name: string, wishes: SideWishes = {}): Side {
  const { listens = listen("web", 8000), more = "", daemon = "haproxy-lite", broken = {}, address } = wishes;
  const instances =
    wishes.instances ??
    `[vrrp.instance.VI_1]
interface = "eth0"
${wishes.instance?.includes("virtual_router_id") ? "" : "virtual_router_id = 51"}
${wishes.instance?.includes("virtual_ipaddress") ? "" : 'virtual_ipaddress = ["192.0.2.100/24"]'}
${wishes.instance ?? ""}
`;
  const text = `[[log]]
address = "stdout"
${listens}
${more}
${instances}`;
  const { config, issues } = readConfig(
    { path: `${name}.toml`, bytes: Buffer.from(text) },
    { cpus: 1, ephemeralPorts: null },
  );
  if (config?.vrrp == null) throw new Error(JSON.stringify(issues, null, 1));
  return {
    name,
    daemon,
    vrrp: config.vrrp,
    listens: config.listens,
    programProblem: (path) => broken[path] ?? null,
    addressOn: (_, family) => (address !== undefined && ipVersion(address) === family ? address : null),
  };
}

/** Two hosts, "a" and "b". */
export function pairOf(a: SideWishes, b: SideWishes): Pair {
  return [sideOf("a", a), sideOf("b", b)];
}
