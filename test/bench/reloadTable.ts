import type { StormResult } from "./reloadPlan.ts";
import { median } from "./stats.ts";
import { formatNumber, renderTable } from "./table.ts";

const megabytes = (bytes: number): string => formatNumber(bytes / 1e6, 3);
const whole = (value: number): string => formatNumber(value, 0);
const spread = (values: readonly number[]): string =>
  values.length === 0 ? "" : `${whole(median(values))}, ${whole(Math.max(...values))}`;

/** Each row: its title, and what it says of a result. */
const ROWS: readonly (readonly [title: string, cell: (result: StormResult) => string])[] = [
  ["short connections tried", ({ tried }) => whole(tried)],
  ["refused", ({ refused }) => whole(refused)],
  ["reset or cut short", ({ reset }) => whole(reset)],
  ["corrupt bytes", ({ corrupt }) => whole(corrupt)],
  ["long transfers cut", ({ transfersCut, transfers }) => `${transfersCut} of ${transfers}`],
  ["idle sessions lost", ({ idleLost, idle }) => `${idleLost} of ${idle}`],
  ["reload to effect, ms: median, longest", ({ reloadMs }) => spread(reloadMs)],
  ["upgrade to effect, ms: median, longest", ({ upgradeMs }) => spread(upgradeMs)],
  ["processes after the last reload", ({ processes }) => whole(processes)],
  ["of these left by earlier reloads", ({ oldProcesses }) => whole(oldProcesses)],
  ["memory of all, PSS MB", ({ memoryMb }) => whole(memoryMb)],
  ["of this in those left", ({ oldMemoryMb }) => whole(oldMemoryMb)],
  ["sessions that the counter has", ({ counted, sessions }) => `${whole(counted)} of ${whole(sessions)}`],
  [
    "bytes that it has, each way",
    ({ countedBytes, bytes }) => `${megabytes(Math.min(...countedBytes))} of ${megabytes(bytes)} MB`,
  ],
  ["virtual IP lost, times", ({ addressLost }) => (addressLost === null ? "" : whole(addressLost))],
  ["a DOWN server is UP after a reload for, ms", ({ upMs }) => spread(upMs)],
  ["connections lost to that", ({ lostToDead }) => whole(lostToDead)],
  ["load average before", ({ loadBefore }) => formatNumber(loadBefore, 1)],
];

/** The results side by side, as Markdown. */
export function reloadTable(results: readonly StormResult[]): string {
  return renderTable(
    ["", ...results.map(({ way }) => way)],
    ROWS.map(([title, cell]) => [title, ...results.map(cell)]),
  );
}
