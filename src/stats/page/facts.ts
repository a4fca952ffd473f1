import { humanBytes, humanCount, humanDuration, humanUptime } from "../humanise.ts";
import { plural } from "../wording.ts";
import { when } from "./events.ts";
import { esc } from "./html.ts";
import type { PageModel } from "./model.ts";

/** What is to be known about the process. */
export function factsSection({ snapshot, hideVersion, wallMs }: PageModel): string {
  const { process, listens } = snapshot;
  const { connections, connectionRate, bytesOutRate, restarts, proxyUptimeMs } = process;
  const servers = listens.reduce((count, listen) => count + listen.servers.length, 0);
  const rows: [label: string, html: string][] = [
    ["Version", hideVersion ? "" : esc(`${process.version} (${process.commit}), ${process.releaseDate}`)],
    ["Node", esc(process.node)],
    ["Process", `pid ${process.supervisorPid}, proxy process ${process.pid}`],
    ["Up", `${humanUptime(process.uptimeMs)}, since ${when(process.startedWallMs, wallMs)}`],
    [
      "Restarts",
      restarts === 0 ? "" : `${restarts} of the proxy process; counters begin ${humanDuration(proxyUptimeMs)} ago`,
    ],
    [
      "Configured",
      process.crashLoop === null
        ? `${listens.length} listen${plural(listens.length)}, ${servers} server${plural(servers)}`
        : "",
    ],
    ["Threads", `${process.threads} for traffic`],
    ["Idle", `${process.idlePercent}%`],
    [
      "Connections",
      `${connections.current} of ${connections.limit} now, ${connections.max} at most, ${connections.total} in all`,
    ],
    ["Connection rate", `${connectionRate.now}/s now, ${connectionRate.max}/s at most`],
    ["Bytes to clients", `${humanBytes(bytesOutRate.now)}B/s now, ${humanBytes(bytesOutRate.max)}B/s at most`],
    ["Open files", `${humanCount(process.openFilesLimit)} allowed`],
    ["Dropped log lines", String(process.droppedLogs)],
  ];
  const list = rows.map(([label, html]) =>
    html === "" ? "" : `<div class="pair"><dt>${label}</dt><dd>${html}</dd></div>`,
  );
  return `<section id="process" aria-labelledby="process-h"><h2 id="process-h">Process</h2><dl class="facts">${list.join("")}</dl></section>`;
}
