import { basename } from "node:path";
import { explain } from "../config/explain.ts";
import { type LoadedFile, loadConfigFile } from "../config/load.ts";
import type { Environment } from "../config/rules.ts";
import type { Config } from "../config/schema.ts";
import { canonicalHost, ipVersion } from "../core/endpoint.ts";
import { UserError } from "../core/errors.ts";
import { insecurePath, programProblem } from "../core/program.ts";
import { findingsOf } from "../vrrp/truthTable/findings.ts";
import type { Pair, Side } from "../vrrp/truthTable/pair.ts";
import { isProblem, truthTable } from "../vrrp/truthTable/table.ts";
import type { CheckIo } from "./check.ts";
import { ExitCode } from "./exit.ts";
import { peerText } from "./peerText.ts";
import { translateKeepalived } from "./translate.ts";

/** What `check --peer` sees of the world. */
export interface CheckPeerIo extends CheckIo {
  /** The table for programs. */
  readonly json: boolean;
}

/** A host's file, and who speaks VRRP there. */
interface HostFile {
  readonly daemon: Side["daemon"];
  readonly loaded: LoadedFile;
}

/**
 * `check -c FILE --peer OTHER`: plays every fault on the two hosts' virtual routers in simulated time, and says who owns the
 * addresses then. Exit status: ok, failed (1) when the pair has a problem, or badConfig (78) when a file is not valid.
 */
export async function checkPeer(path: string, peerPath: string, io: CheckPeerIo): Promise<number> {
  const own = await readHost(path, anywhere(io.environment), io);
  // Nothing that is known of this machine is true of that one.
  const peer = await readHost(peerPath, { cpus: io.environment.cpus, ephemeralPorts: null }, io);
  const refused = [
    { name: path, file: own.loaded },
    { name: peerPath, file: peer.loaded },
  ].filter(({ file }) => file.config === null);
  for (const { name, file } of refused) {
    const errors = file.issues.filter(({ severity }) => severity === "error");
    io.err(explain(errors, { path: name, text: file.text }, { colour: io.colour }));
    io.err(`${name} is not valid\n`);
  }
  if (own.loaded.config === null || peer.loaded.config === null) return ExitCode.badConfig;
  const names = sideNames([own.loaded.config, peer.loaded.config], [path, peerPath]);
  const pair: Pair = [
    {
      ...sideOf(names[0], own.daemon, own.loaded.config, path),
      programProblem: (program) => programProblem(program) ?? insecurePath(program),
      addressOn: (device, family) => ownAddress(own.loaded.config, io.environment, device, family),
    },
    sideOf(names[1], peer.daemon, peer.loaded.config, peerPath),
  ];
  const findings = findingsOf(pair);
  const rows = truthTable(pair);
  const hosts = [path, peerPath].map((file, which) => ({ name: names[which] ?? file, file }));
  const isSound = findings.length === 0 && !rows.some(isProblem);
  if (io.json) io.out(`${JSON.stringify({ sound: isSound, hosts, findings, rows }, null, 2)}\n`);
  else io.out(peerText({ hosts, findings, rows, quiet: io.quiet, colour: io.colour }));
  return isSound ? ExitCode.ok : ExitCode.failed;
}

/** Reads a host's file, ours or keepalived's, which is called NAME.conf. */
async function readHost(path: string, environment: Environment, { resolver }: CheckPeerIo): Promise<HostFile> {
  const loaded = await loadConfigFile(path, environment, { resolver, translate: translateKeepalived });
  return { daemon: path.endsWith(".conf") ? "keepalived" : "haproxy-lite", loaded };
}

/** The pair may be judged on a third machine, by anybody. */
function anywhere({ missingCapabilities: _, ...environment }: Environment): Environment {
  return { ...environment, strictHost: false };
}

/** As their files call them, told apart by the file where they call themselves the same. */
function sideNames(configs: readonly [Config, Config], paths: readonly [string, string]): [string, string] {
  const nameOf = (config: Config, path: string): string =>
    config.vrrp?.routerId ?? basename(path).replace(/\.[^.]*$/, "");
  const names: [string, string] = [nameOf(configs[0], paths[0]), nameOf(configs[1], paths[1])];
  if (names[0] !== names[1]) return names;
  const files: [string, string] = [basename(paths[0]), basename(paths[1])];
  return files[0] === files[1] ? ["this host", "the peer"] : files;
}

function sideOf(name: string, daemon: Side["daemon"], { vrrp, listens }: Config, path: string): Side {
  if (vrrp === null || vrrp.instances.length === 0) {
    throw new UserError(`${path} has no [vrrp.instance.NAME]: there is no address to move`, ExitCode.failed);
  }
  return { name, daemon, vrrp, listens, programProblem: () => null, addressOn: () => null };
}

/** The first address of this host's interface that is not virtual; adverts of IPv6 leave from a link-local one. */
function ownAddress(config: Config | null, { interfaces }: Environment, device: string, family: 4 | 6): string | null {
  const instances = config?.vrrp?.instances ?? [];
  const virtual = new Set(
    instances.flatMap(({ virtualIpAddresses }) => virtualIpAddresses.map(({ address }) => canonicalHost(address))),
  );
  const addresses = interfaces?.get(device)?.addresses ?? [];
  const isSource = (address: string): boolean =>
    ipVersion(address) === family &&
    !virtual.has(canonicalHost(address)) &&
    (family === 4 || /^fe[89ab]/i.test(address));
  return addresses.find(isSource) ?? null;
}
