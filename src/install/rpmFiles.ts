import type { Owner } from "./item.ts";
import { CONFIG, CONFIG_DIRECTORY, LOG_DIRECTORY, PROGRAM, SERVICE, STATE_DIRECTORY } from "./paths.ts";
import type { CommandSurface } from "./surface.ts";
import { completion } from "./templates/completion.ts";
import { configFile } from "./templates/configFile.ts";
import { logrotate } from "./templates/logrotate.ts";
import { manConfig } from "./templates/manConfig.ts";
import { manProgram } from "./templates/manProgram.ts";
import { options } from "./templates/options.ts";
import { rsyslog } from "./templates/rsyslog.ts";
import { sudoers } from "./templates/sudoers.ts";
import { sysctl } from "./templates/sysctl.ts";
import { unit } from "./templates/unit.ts";

/** RHEL 8's; the package refuses older ones, `install` serves them. */
export const OLDEST_SYSTEMD = 239;

/** A file or directory of the package. */
export interface RpmFile {
  path: string;
  mode: number;
  owner: Owner;
  /** null: a directory; "program": the executable; else a text. */
  content: string | null | { program: true };
  /** `%config(noreplace)`: an edited one is kept. */
  config: boolean;
  /** Compressed, as manual pages are. */
  gzip: boolean;
}

/** What the package holds: vendor files below /usr, the administrator's below /etc. */
export function rpmFiles(commands: readonly CommandSurface[]): RpmFile[] {
  const optionsFile = `/etc/sysconfig/${SERVICE}`;
  return [
    directory(CONFIG_DIRECTORY, 0o755, "root:root"),
    directory(LOG_DIRECTORY, 0o700, "service:service"),
    directory(STATE_DIRECTORY, 0o755, "root:root"),
    { ...text(PROGRAM, ""), content: { program: true }, mode: 0o755 },
    { ...config(CONFIG, configFile()), mode: 0o640, owner: "root:service" },
    config(optionsFile, options()),
    config("/etc/rsyslog.d/haproxy-lite.conf", rsyslog("absent")),
    config("/etc/logrotate.d/haproxy-lite", logrotate()),
    { ...config("/etc/sudoers.d/haproxy-lite", sudoers({ kind: "systemd" })), mode: 0o440 },
    text("/usr/lib/sysctl.d/90-haproxy-lite.conf", sysctl(null)),
    text(`/usr/lib/systemd/system/${SERVICE}.service`, unit({ systemdVersion: OLDEST_SYSTEMD, optionsFile })),
    { ...text("/usr/share/man/man8/haproxy-lite.8.gz", manProgram(commands)), gzip: true },
    { ...text("/usr/share/man/man5/haproxy-lite.toml.5.gz", manConfig()), gzip: true },
    text("/usr/share/bash-completion/completions/haproxy-lite", completion(commands)),
  ];
}

function text(path: string, content: string): RpmFile {
  return { path, content, mode: 0o644, owner: "root:root", config: false, gzip: false };
}

function config(path: string, content: string): RpmFile {
  return { ...text(path, content), config: true };
}

function directory(path: string, mode: number, owner: Owner): RpmFile {
  return { path, mode, owner, content: null, config: false, gzip: false };
}
