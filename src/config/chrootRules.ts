import { ipVersion } from "../core/endpoint.ts";
import type { Finding } from "./issue.ts";
import { error, type Rule, warning } from "./rules.ts";

/** [global] chroot: whether the directory will do, and what the proxy process will not find in it. */
export const chroot: Rule = ({ config, environment, origin, spoiled }) => {
  const directory = config.global.chroot;
  const { chrootProblem, isThere } = environment;
  if (directory === null || chrootProblem === undefined || isThere === undefined) return [];
  const problem = chrootProblem(directory);
  if (problem !== null) {
    const hint = `make it with: install -d -m 0755 -o root -g root ${directory}`;
    return [error(["global", "chroot"], `${directory} ${problem}`, hint, directory)];
  }
  const inside = (path: string): boolean => path.startsWith("@") || isThere(directory + path);
  const logs = config.logs.flatMap((log): Finding[] => {
    if (log.target.kind !== "unix" || inside(log.target.path)) return [];
    const message = `the proxy process looks for it in the chroot: there is no ${directory}${log.target.path}`;
    const hint = 'let the syslog daemon listen there as well, or write "127.0.0.1:514"';
    return [warning([...origin(log), "address"], message, hint, log.target.path)];
  });
  const servers = config.listens
    .flatMap(({ servers }) => servers)
    .flatMap((server): Finding[] => {
      const { address, initAddr } = server;
      const at = [...origin(server), "address"];
      if (spoiled(at)) return [];
      if (address.kind === "unix") {
        if (inside(address.path)) return [];
        const message = `the proxy process looks for it in the chroot: there is no ${directory}${address.path}`;
        return [warning(at, message, "let the server listen there", `unix:${address.path}`)];
      }
      if (initAddr !== "none" || ipVersion(address.host) !== 0 || inside("/etc/resolv.conf")) return [];
      const message = `if ${address.host} does not resolve at start, it never will: there is no ${directory}/etc/resolv.conf`;
      return [
        warning(at, message, "write an IP address, or put what the resolver reads into the chroot", address.host),
      ];
    });
  return [...logs, ...servers];
};
