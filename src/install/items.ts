import type { HostFacts } from "./facts.ts";
import type { FileItem, Item } from "./item.ts";
import { CONFIG, CONFIG_DIRECTORY, LOG_DIRECTORY, PROGRAM, SERVICE, STATE_DIRECTORY } from "./paths.ts";
import type { CommandSurface } from "./surface.ts";
import { completion } from "./templates/completion.ts";
import { configFile } from "./templates/configFile.ts";
import { initScript, START_PRIORITY, STOP_PRIORITY } from "./templates/initScript.ts";
import { logrotate } from "./templates/logrotate.ts";
import { manConfig } from "./templates/manConfig.ts";
import { manProgram } from "./templates/manProgram.ts";
import { options } from "./templates/options.ts";
import { rsyslog } from "./templates/rsyslog.ts";
import { type Init, sudoers } from "./templates/sudoers.ts";
import { sysctl } from "./templates/sysctl.ts";
import { unit } from "./templates/unit.ts";

const UNIT = `/etc/systemd/system/${SERVICE}.service`;

/** What a service needs on that host, in the order in which it is to be made. */
export function itemsFor(facts: HostFacts, commands: readonly CommandSurface[]): Item[] {
  const { optionsFile } = facts;
  const init: Init =
    facts.init === "systemd" ? { kind: "systemd" } : { kind: "sysv", script: `${facts.initDirectory}/${SERVICE}` };
  return [
    { kind: "account", name: SERVICE, home: STATE_DIRECTORY, shell: facts.nologin },
    { kind: "directory", path: CONFIG_DIRECTORY, mode: 0o755, owner: "root:root" },
    { kind: "directory", path: LOG_DIRECTORY, mode: 0o700, owner: "service:service" },
    { kind: "directory", path: STATE_DIRECTORY, mode: 0o755, owner: "root:root" },
    {
      kind: "program",
      path: PROGRAM,
      source: facts.program.path,
      sha256: facts.program.sha256,
      mode: 0o755,
      owner: "root:root",
    },
    {
      ...settings(CONFIG, configFile(), 0o640),
      // It holds the secrets of VRRP and of the status page.
      owner: "root:service",
      role: "configuration",
    },
    settings(optionsFile, options()),
    settings("/etc/rsyslog.d/haproxy-lite.conf", rsyslog(facts.rsyslogUdp)),
    // logrotate reads every other name, and would rotate twice.
    { ...settings("/etc/logrotate.d/haproxy-lite", logrotate()), beside: ".rpmnew" },
    settings("/etc/sudoers.d/haproxy-lite", sudoers(init), 0o440),
    settings("/etc/sysctl.d/90-haproxy-lite.conf", sysctl(facts.somaxconn)),
    vendor("/usr/local/share/man/man8/haproxy-lite.8", manProgram(commands)),
    vendor("/usr/local/share/man/man5/haproxy-lite.toml.5", manConfig()),
    vendor("/usr/share/bash-completion/completions/haproxy-lite", completion(commands)),
    ...(init.kind === "systemd" ? systemdItems(facts) : sysvItems(init.script, facts)),
  ];
}

/** The unit, and the link that `systemctl enable` would make. */
function systemdItems({ systemdVersion, optionsFile }: HostFacts): Item[] {
  return [
    settings(UNIT, unit({ systemdVersion, optionsFile })),
    { kind: "link", path: `/etc/systemd/system/multi-user.target.wants/${SERVICE}.service`, target: UNIT },
  ];
}

/** The script, and the links that `chkconfig --add` would make. */
function sysvItems(script: string, { optionsFile, rcDirectory }: HostFacts): Item[] {
  const links = [0, 1, 2, 3, 4, 5, 6].map((level): Item => {
    const start = level >= 2 && level <= 5;
    const name = `${start ? "S" : "K"}${start ? START_PRIORITY : STOP_PRIORITY}${SERVICE}`;
    return { kind: "link", path: `${rcDirectory}/rc${level}.d/${name}`, target: `../init.d/${SERVICE}` };
  });
  return [settings(script, initScript(optionsFile), 0o755), ...links];
}

function settings(path: string, content: string, mode = 0o644): FileItem {
  return { kind: "file", path, content, mode, owner: "root:root", role: "settings", beside: ".new" };
}

function vendor(path: string, content: string): FileItem {
  return { ...settings(path, content), role: "vendor" };
}
