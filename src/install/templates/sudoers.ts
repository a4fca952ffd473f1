import { SERVICE } from "../paths.ts";

/** What starts and stops the service: systemd, or the init script at this path. */
export type Init = { kind: "systemd" } | { kind: "sysv"; script: string };

const VERBS = ["start", "stop", "reload"] as const;

/**
 * The sudoers file: the service account may start, stop, reload and ask for the status of its own service, by full command
 * lines without wildcards. The proxy process, which runs as that account, cannot use it: it may not gain privileges.
 */
export function sudoers(init: Init): string {
  return `# Scripts that run as ${SERVICE} may operate the service, and nothing else.
Defaults:${SERVICE} !requiretty
Cmnd_Alias HAPROXY_LITE = ${commands(init).join(", \\\n    ")}
${SERVICE} ALL=(root) NOPASSWD: HAPROXY_LITE
`;
}

function commands(init: Init): string[] {
  if (init.kind === "sysv") {
    return [...VERBS, "status"].flatMap((verb) => [`${init.script} ${verb}`, `/usr/sbin/service ${SERVICE} ${verb}`]);
  }
  return [
    ...VERBS.flatMap((verb) => [SERVICE, `${SERVICE}.service`].map((name) => `/usr/bin/systemctl ${verb} ${name}`)),
    // Without this word systemctl shows its answer in a pager, and from a pager one gets to a shell of root's.
    ...[SERVICE, `${SERVICE}.service`].map((name) => `/usr/bin/systemctl --no-pager status ${name}`),
  ];
}
