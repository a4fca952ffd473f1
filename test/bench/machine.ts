import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";
import { cpuSeconds, machineCpuSeconds, processTree } from "./procfs.ts";

/** What the machine was, and what else it did. */
export interface Machine {
  cpus: number;
  model: string;
  kernel: string;
  memoryBytes: number;
  /** 1, 5 and 15 minutes, before anything of ours ran. */
  loadAverageBefore: number[];
  /** CPU time of processes that are not ours, in percent of all CPUs: before the run, and in each round. */
  othersBeforePercent: number;
  othersPercent: number[];
}

/** Looks for a second at what the machine does before the run. */
export async function describeMachine(): Promise<Machine> {
  const before = machineCpuSeconds();
  const loadAverageBefore = loadavg();
  await Bun.sleep(1000);
  const count = availableParallelism();
  return {
    cpus: count,
    model: cpus()[0]?.model ?? "unknown",
    kernel: release(),
    memoryBytes: totalmem(),
    loadAverageBefore,
    othersBeforePercent: ((machineCpuSeconds() - before) / count) * 100,
    othersPercent: [],
  };
}

/** CPU time spent so far by processes outside of this run. */
export function othersCpuSeconds(): number {
  return machineCpuSeconds() - cpuSeconds(processTree(process.pid), true);
}
