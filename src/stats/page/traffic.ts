import { HISTORY_STEP_MS, HISTORY_STEPS } from "../history.ts";
import { humanBytes, humanCount } from "../humanise.ts";
import type { ListenSnapshot } from "../snapshot.ts";
import type { PageModel } from "./model.ts";
import { meter } from "./serverRow.ts";
import { type Caption, describe, sparkline } from "./sparkline.ts";

/** What the history covers. */
const HISTORY_SPAN = `${(HISTORY_STEP_MS * HISTORY_STEPS) / 60_000} minutes`;

/** "1.2MB/s", "512B/s" */
export function bytesPerSecond(rate: number): string {
  return `${humanBytes(rate)}B/s`;
}

/** Connections and throughput of the whole process: now, and over the last minutes. */
export function trafficSection({ snapshot, history }: PageModel): string {
  const { connections, connectionRate, bytesOutRate } = snapshot.process;
  const { sessions, bytesIn, bytesOut } = history.process;
  const tiles = [
    tile(
      "Connections",
      `${humanCount(connections.current)} <span>/ ${humanCount(connections.limit)}</span>`,
      `${meter(connections.current, connections.limit)}<small>max ${humanCount(connections.max)}, ${humanCount(connectionRate.now)} new/s (max ${humanCount(connectionRate.max)})</small>`,
      drawing(sessions, "a", { what: "Sessions", say: humanCount }),
    ),
    tile(
      "From clients",
      bytesPerSecond(bytesIn.at(-1) ?? 0),
      `<small>${humanBytes(sum(snapshot.listens, "bytesIn"))}B in all</small>`,
      drawing(bytesIn, "a", { what: "Throughput from clients", say: bytesPerSecond }),
    ),
    tile(
      "To clients",
      bytesPerSecond(bytesOutRate.now),
      `<small>${humanBytes(sum(snapshot.listens, "bytesOut"))}B in all, max ${bytesPerSecond(bytesOutRate.max)}</small>`,
      drawing(bytesOut, "b", { what: "Throughput to clients", say: bytesPerSecond }),
    ),
  ];
  return `<section id="traffic" aria-labelledby="traffic-h"><h2 id="traffic-h">Traffic <small>last ${HISTORY_SPAN}</small></h2><div class="tiles">${tiles.join("")}</div></section>`;
}

function tile(title: string, figure: string, note: string, drawn: string): string {
  return `<div class="tile"><h3>${title}</h3><p class="big">${figure}</p>${note}${drawn}</div>`;
}

function drawing(values: readonly number[], kind: "a" | "b", caption: Caption): string {
  return sparkline([{ values, kind }], describe(values, caption));
}

function sum(listens: readonly ListenSnapshot[], counter: "bytesIn" | "bytesOut"): number {
  return listens.reduce((bytes, listen) => bytes + listen[counter], 0);
}
